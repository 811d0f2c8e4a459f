"""Pictures: reading, showing, changing, explaining and disturbing them.

image.py                the modality              image_files.py  files opened, scaled, filled
augmentation.py         variations in training    changes.py      what they do, for boxes and masks to follow
strong_augmentation.py  as strong as may be       corruptions.py  15 kinds of bad picture, in five grades
filters.py              what these are made of    drawing.py      a picture with weights and answers over it
"""
