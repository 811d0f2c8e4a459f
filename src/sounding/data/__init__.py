"""The user's files, from bytes on a disk to examples that a training loop takes.

opening.py      open_data: the one way in; examples that are read when they are needed
sources.py      what a path is: a table, a folder of tables, a layout of the task's; tables/ reads each kind of table
guessing.py     which application data are meant for, where none is named
columns.py      which column is the input, the target, the group, the split
rows.py         rows before their cells are read, in Arrow arrays; reading.py opens the cells
scan.py         one pass over all rows
record.py       what a run keeps of its rows, to find them again wherever they lie
ingest.py       rows with answers: scanned, rejected (rejected.py), split (splits.py), reported on
documents.py    documents without answers: the same, and cut into windows (windows.py); text_files.py lists .txt files
pool.py         rows without answers, to choose from what to label next
duplicates.py   rows that are there twice
cache.py        what was read is kept while memory lasts
report.py       what was found; summary.py fills it in, audit.py says it in words
"""

from sounding.data.columns import Columns
from sounding.data.opening import Dataset, Examples, open_data, picked
from sounding.data.pool import Pool, open_pool
from sounding.data.report import Report

__all__ = ["Columns", "Dataset", "Examples", "Pool", "Report", "open_data", "open_pool", "picked"]
