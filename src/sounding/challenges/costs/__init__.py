"""What predictions and trainings cost.

windows.py        predictions timed and metered           expenses.py      the numbers made from them
comparison.py     several models on the same rows, by turns at the processor
"""
