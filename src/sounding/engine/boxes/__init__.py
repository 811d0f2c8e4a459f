"""Answers that are boxes: how they are matched with the truth, learnt, and scored.

matching.py   which location learns which box, and its losses   detection.py   mean average precision
"""
