"""Answers that are a class for each pixel: losses, windows over large pictures, scores.

pixels.py   losses   tiling.py   windows   regions.py   intersection over union, boundaries
"""
