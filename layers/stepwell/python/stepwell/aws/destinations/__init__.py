"""Destinations of hand-overs: an event bus, a task of Amazon Connect, a signed webhook.

None of their clients tries again by itself: the state machine does, with pauses.
"""
