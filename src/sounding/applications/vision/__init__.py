"""Applications that look at pictures."""
