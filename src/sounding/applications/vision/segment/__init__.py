"""Image segmentation: the task, its losses (pixels.py), large pictures (tiling.py), how masks are judged."""
