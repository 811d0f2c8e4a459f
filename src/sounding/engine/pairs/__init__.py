"""Answers on pairs: the same one or not, at a threshold that was set for an error rate.

verification.py   error rates, thresholds, their intervals   verifying.py   how a model is brought to it
gallery.py        who is known by name
"""
