"""The stacks, in the order of their deployment: data, journeys, engine."""
