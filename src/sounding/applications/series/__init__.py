"""Applications that read numbers measured over time."""
