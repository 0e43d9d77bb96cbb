"""Reads what a project declares of its customers' profiles: computed traits, segments, lists."""
