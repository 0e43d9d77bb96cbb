"""Conditions at design time: text to tree, and the types in it."""
