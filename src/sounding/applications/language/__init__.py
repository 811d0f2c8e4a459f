"""Applications that read or write text."""
