"""Conditions: CEL, evaluated from a tree. Standard library only, nothing of Stepwell's own."""
