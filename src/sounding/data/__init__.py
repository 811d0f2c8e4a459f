"""The user's files, from bytes on a disk to examples that a training loop takes.

opening.py      open_data: the one way in; examples that are read when they are needed
sources.py      what a path is: class folders, a table, a folder of tables
table.py        the contract of a table; tables.py finds the reader: texttables.py (CSV, TSV, JSONL) or Parquet
columns.py      which column is the input, the target, the group, the split
rows.py         rows before their cells are read; reading.py opens the cells
cells.py        what a cell is, for digests; classnames.py names class numbers where the file knows them
scan.py         one pass over all rows; survey.py what follows from it: rejections.py, splits.py, duplicates.py
pool.py         rows without answers, to choose from what to label next
cache.py        what was read is kept while memory lasts
report.py       what was found; audit.py says it in words
"""

from sounding.data.columns import Columns
from sounding.data.opening import Dataset, Examples, open_data, picked
from sounding.data.pool import Pool, open_pool
from sounding.data.report import Report

__all__ = ["Columns", "Dataset", "Examples", "Pool", "Report", "open_data", "open_pool", "picked"]
