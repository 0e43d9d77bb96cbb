"""Journeys: what a compiled journey is, and how it reacts to events.

`program` is the compiled journey that Lambda functions read; `compiler` (design time) makes it,
with its state machine, from `journey.yaml`.
"""
