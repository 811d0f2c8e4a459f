"""How sure a model says it is, and what that is worth.

confidence.py     decisions, calibration errors, Brier    temperature.py   the one number that mends much
conformal.py      sets that hold the truth                covering.py      how often they did
abstention.py     answering only when sure
detection.py  familiarity.py  unfamiliar.py  strangers.py     telling what the model has never seen
histograms.py     their picture
"""
