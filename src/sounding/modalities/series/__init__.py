"""Series: numbers measured one time after the other.

series.py       a stretch of time steps and columns; how it is read, encoded, divided, disturbed and explained
frequency.py    how far apart the times lie, and which time comes next
times.py        cells of a time column as times; gaps, repeats, changes of frequency
numbers.py      cells as numbers; missing ones, decimal commas, infinities
assembling.py   a table as one series or several
known.py        columns that are known ahead
segments.py     what explanations weigh and mask
corruptions.py  missing stretches, spikes, drift, noise
drawing.py      columns as lines, forecasts with bands
"""
