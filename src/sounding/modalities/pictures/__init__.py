"""Pictures: reading, showing, changing, explaining and disturbing them.

image.py         the modality          picture.py     values: opened, scaled, filled
augmentation.py  changes in training   corruptions.py 15 kinds of bad picture, in five grades
filters.py       what they are made of variation.py   where pictures vary together
drawing.py       a picture in a figure
"""
