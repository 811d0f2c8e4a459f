"""A run, from its plan to its folder, and what is done with it.

plan.py        all that a run is decided by: config.json        preparing.py   opens and builds what a plan names
training.py    train a plan, resume a run                       control.py     the training without help beside it
folder.py      the run folder                                   transfer.py    begins with weights: hub.py, published.py
suggestion.py  another application for data that one cannot read
direction.py   which languages, or columns, a run goes from and to
model.py       the trained model: answers, metrics, its card    prediction.py  inputs in, answers out; writing.py: files
"""
