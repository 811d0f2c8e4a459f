"""Forecasting: how series of numbers go on.

task.py         the application
windows.py      a series as pairs of what is given and what comes next
network.py      one network, or two side by side of which the better on validation answers
intervals.py    quantiles: their loss, and how validation rows make them as wide as they have to be
judging.py      errors in standard deviations, coverage
baselines.py    seasonal naive, ridge regression, exponential smoothing
figures.py      forecasts beside what came, coverage by step
"""
