"""Object detection: the task, how its boxes are learnt and found (matching.py), how they are judged (metrics.py)."""
