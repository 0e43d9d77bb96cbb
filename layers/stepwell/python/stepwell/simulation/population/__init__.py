"""Who a simulation is about: made-up customers of a declared model, or a file of real events."""
