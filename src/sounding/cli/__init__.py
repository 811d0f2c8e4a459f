"""The command line: verbs, and nothing that the Python door cannot do.

    group.py       the group of verbs, what they share, errors
    training.py    demo  check  train  label
    using.py       predict  list
    playing.py     play
    matching.py    match
    serving.py     serve
    teaching.py    teach
    applications.py  what an application brings along: faces enroll, verify, identify
    exporting.py   export
    measuring.py   eval  compare  card  inspect  doctor
    words.py       what a person types: key=value, profiles, columns

Nothing heavy is imported before a verb runs, so that help comes at once.
"""

from sounding.cli import (
    applications,
    exporting,
    matching,
    measuring,
    playing,
    serving,
    teaching,
    training,
    using,
)
from sounding.cli.group import cli, main

__all__ = [
    "applications",
    "cli",
    "exporting",
    "main",
    "matching",
    "measuring",
    "playing",
    "serving",
    "teaching",
    "training",
    "using",
]
