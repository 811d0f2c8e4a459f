"""Pictures are clean, deterministic SVG that says what the numbers say."""

import re
import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest

from sounding.contract.evidence import Estimate
from sounding.evaluation import plots
from sounding.evaluation.intervals import wilson

HISTORY = [
    {"step": 10 * i, "seconds": i, "training_loss": 2 / i, "validation_loss": 3 / i, "f1": i / 9} for i in (1, 2)
]
BINS = [(0.55, wilson(5, 10)), (0.9, wilson(80, 90)), (0.1, Estimate(float("nan"), n=0))]
PICTURES = {
    "curve": lambda: plots.curve([10, 100], {"a": [wilson(5, 10), wilson(9, 10)]}, "labels", "accuracy", log_x=True),
    "bars": lambda: plots.bars(["fog", "$now"], [wilson(5, 10), Estimate(0.25)], "accuracy", {"clean": 0.9}),
    "confusion": lambda: plots.confusion_matrix(np.array([[7, 3], [11, 0]]), ["<cat>", "dog & co"]),
    "pairs": lambda: plots.confusion_matrix(
        np.eye(30, dtype=int) + np.eye(30, k=1, dtype=int), list(map(str, range(30)))
    ),
    "reliability": lambda: plots.reliability({"as trained": BINS}),
    "training": lambda: plots.training_curves(HISTORY),
    "nothing": lambda: plots.training_curves([]),
}


def words(svg):
    return [text.text for text in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_one_clean_element_and_the_same_every_time(name):
    svg = PICTURES[name]()
    assert svg.startswith("<svg")
    assert svg.endswith("</svg>")
    assert not re.search(r"<metadata|<style|<script|<!DOCTYPE|https?://(?!www\.w3\.org)", svg)
    assert svg == PICTURES[name]()


def test_ids_of_different_pictures_do_not_clash():
    seen = set()
    for picture in PICTURES.values():
        svg = picture()
        ids = set(re.findall(r' id="([^"]+)"', svg))
        used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
        assert used == ids
        assert not ids & seen
        seen |= ids


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("curve", {"10", "100", "labels", "accuracy"}),
        ("bars", {"fog", "$now", "0.500", "0.250", "clean"}),
        ("confusion", {"<cat>", "dog & co", "7", "3", "11"}),
        ("pairs", {"0 → 1", "1 of 2"}),
        ("reliability", {"as trained", "confidence", "perfectly calibrated"}),
        ("training", {"training loss", "validation loss", "f1", "step"}),
        ("nothing", {"nothing was recorded"}),
    ],
)
def test_text_stays_text(name, expected):
    assert expected <= set(words(PICTURES[name]()))


def test_drawing_leaves_the_settings_of_the_process_alone():
    before = dict(matplotlib.rcParams)
    PICTURES["bars"]()
    assert dict(matplotlib.rcParams) == before


def test_names_in_any_script_draw_without_a_warning(recwarn):
    assert "猫" in words(plots.bars(["猫"], [wilson(1, 2)]))
    assert not [w for w in recwarn if "Glyph" in str(w.message)]
