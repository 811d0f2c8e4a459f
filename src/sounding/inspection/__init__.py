"""Backpropagation made visible: what passes through each layer of a net, forward and back, and what ails it.

inspect         one look at a model on real rows → Inspection; sample draws the rows
table           an Inspection for a terminal; Inspection.to_json for programs
save            an Inspection as picture or JSON, by the ending of the file
Journal         looks during a training, written to inspection.jsonl; read_journal reads it, history draws it over time

forward_backward.py   the two passes over a copy     hooks.py           what they leave in tallies
layer_statistics.py   the numbers of one layer       update_ratios.py   how far a step moves the weights
verdicts.py           thresholds and words           report.py          an Inspection, and its table
figure.py             pictures                       journal.py         looks during a training
reading.py            along one input: attention, and the gradient through time (read_along → Reading, reading_table);
                      reading_figure.py draws it
"""

from sounding.inspection.figure import history, picture, save
from sounding.inspection.forward_backward import ROWS, inspect, sample
from sounding.inspection.journal import Journal, history_line, read_journal
from sounding.inspection.layer_statistics import LayerStatistics
from sounding.inspection.reading import AttentionMap, Reach, Reading, reach, read_along, reading_table
from sounding.inspection.report import Inspection, table
from sounding.inspection.verdicts import HEALTHY, Finding

__all__ = [
    "HEALTHY",
    "ROWS",
    "AttentionMap",
    "Finding",
    "Inspection",
    "Journal",
    "LayerStatistics",
    "Reach",
    "Reading",
    "history",
    "history_line",
    "inspect",
    "picture",
    "reach",
    "read_along",
    "read_journal",
    "reading_table",
    "sample",
    "save",
    "table",
]
