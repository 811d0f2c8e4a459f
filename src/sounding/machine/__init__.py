"""What the machine can do and what it costs: threads and precision, energy, operations."""
