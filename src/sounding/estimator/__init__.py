"""Estimators as scikit-learn knows them: fit, predict, score, in its grids and cross-validations.

base.py         what they share: a training of the rows that are given, and what scikit-learn asks of an estimator
classifier.py   texts or pictures, each of one class
forecaster.py   how series of numbers go on

They behave like estimators of scikit-learn without being made with it: scikit-learn need not be installed.
"""

from sounding.estimator.classifier import Classifier
from sounding.estimator.forecaster import Forecaster

__all__ = ["Classifier", "Forecaster"]
