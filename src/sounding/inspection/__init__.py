"""Backpropagation made visible: what passes through each layer of a net, forward and back, and what ails it.

inspect         one look at a model on real rows → Inspection; sample draws the rows
table           an Inspection for a terminal; Inspection.to_json for programs
save            an Inspection as picture or JSON, by the ending of the file
Journal         looks during a training, written to inspection.jsonl; read_journal reads it, history draws it over time

layers.py hooks and tallies, steps.py how far weights move, verdicts.py thresholds and words, figure.py pictures.
"""

from sounding.inspection.figure import history, picture, save
from sounding.inspection.inspection import Inspection, table
from sounding.inspection.journal import Journal, history_line, read_journal
from sounding.inspection.layer import Layer
from sounding.inspection.measuring import ROWS, inspect, sample
from sounding.inspection.verdicts import HEALTHY, Finding

__all__ = [
    "HEALTHY",
    "ROWS",
    "Finding",
    "Inspection",
    "Journal",
    "Layer",
    "history",
    "history_line",
    "inspect",
    "picture",
    "read_journal",
    "sample",
    "save",
    "table",
]
