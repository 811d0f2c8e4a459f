"""Fewer labels, and better ones.

curves.py         what a label-efficiency curve says      retraining.py    trainings that a measurement can fit_to_time
acquisition.py    which rows to label next                acquisition_gain.py  what choosing gains over chance
label_errors.py   which labels may be wrong               labelling.py     both, for a person: rows, words, files
self_training.py  learning from the model's own answers   contrast.py      learning without answers
"""
