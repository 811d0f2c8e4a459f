"""From records to metrics with intervals, and their figures."""
