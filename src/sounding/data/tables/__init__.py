"""Tables as people and programs write them, each row with its place in the file.

open_table(path) → Table        the column names and the first rows, read at once
table.load(columns) → Block     the chosen columns of every row, in memory or mapped from disk, at random access

table.py        what every kind of table gives
text.py         comma- or tab-separated values, JSON Lines, and texts of a line each
parallel.py     a file for each language, line beside line
tmx.py          translation memories
parquet.py      Apache Parquet; class_names.py has the names of class ids where the file knows them
"""

from pathlib import Path

from sounding.data.tables.parquet import Parquet
from sounding.data.tables.table import Table
from sounding.data.tables.text import Csv, Jsonl, Pasted
from sounding.data.tables.tmx import Tmx

__all__ = ["SUFFIXES", "Pasted", "Table", "open_table"]

_KINDS: dict[str, type[Table]] = {".csv": Csv, ".tsv": Csv, ".tab": Csv, ".jsonl": Jsonl, ".ndjson": Jsonl}
_KINDS |= {".parquet": Parquet, ".pq": Parquet, ".tmx": Tmx}
SUFFIXES = tuple(_KINDS)
"""The file endings that are tables."""


def open_table(path: Path, name: str = "") -> Table:
    """The table in `path`, called `name` in errors. Raises DataError if the file as a whole cannot be read."""
    return _KINDS[path.suffix.lower()](path, name or path.name)
