"""The simulator: compiled journeys with the real rules, on a virtual clock and a store in memory.

Design time only; it is left out of the deployed layer.
"""
