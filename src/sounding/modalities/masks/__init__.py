"""Masks: which class each pixel of a picture belongs to.

mask.py       the modality                     layouts.py     files and folders of them
class_ids.py  what a cell of a table may hold  coco.py        polygons and run lengths
moving.py     masks that follow their pictures components.py  connected components of their classes
drawing.py    masks over pictures
"""
