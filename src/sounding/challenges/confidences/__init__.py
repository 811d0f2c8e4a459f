"""How sure a model says it is, and what that is worth.

confidence.py     decisions, calibration errors, Brier    temperature.py   the one number that mends much
conformal.py      sets that hold the truth                covering.py      how often they did
abstention.py     answering only when sure            graded.py        the same of answers that are more or less good
ood_scores.py     how in-distribution an input looks  ood_sets.py      known rows beside out-of-distribution inputs
far_ood.py        inputs that no training set holds   detection.py     how well a score tells them apart
histograms.py     their picture
"""
