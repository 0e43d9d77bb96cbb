"""The living profile: what is kept of a customer's events, and the segments that follow from it."""
