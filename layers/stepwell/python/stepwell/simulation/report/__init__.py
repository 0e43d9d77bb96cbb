"""What a simulation shows: counts, the report made of them, and its three forms."""
