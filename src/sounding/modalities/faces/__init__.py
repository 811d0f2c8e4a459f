"""Faces: photographs of people, and pairs of them that show one person or two.

faces.py   the modality                  layouts.py   folders of people and tables
pairs.py   who is compared with whom     drawn.py     faces that no person has, for the demo
"""
