"""Applications that hear."""
