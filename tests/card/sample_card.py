"""A card with made-up numbers that has everything a real one has: every kind and status, hostile names, figures."""

from __future__ import annotations

import base64
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from sounding.card import method
from sounding.card.card import Card, Header
from sounding.card.parts import Part
from sounding.challenges.data import Data
from sounding.contract.evidence import Bound, Clip, Estimate, Figure, Number, Section, failed, not_applicable, skipped
from sounding.evaluation import plots
from sounding.evaluation.challenge import measured
from sounding.evaluation.context import EvaluationContext

HOSTILE = '<script>alert("1")</script> | *x* `y` [a](b) & co'


HEARD = Clip("clips/7.wav", "audio/wav", base64.b64encode(bytes(range(256))).decode())


def number(id: str, name: str, value: float, low: float | None, high: float | None, **more: object) -> Number:
    """A number; `interval`, `n` go to its estimate, the rest to the number."""
    interval = more.pop("interval", "bootstrap" if low is not None else "none")
    estimate = Estimate(value, low, high, n=more.pop("n", 963), interval=interval)
    return Number(id, name, estimate, **{"definition": f"How {name} is defined", "seed": 0, "seconds": 0.25, **more})


def report() -> dict[str, Any]:
    """What `Report.to_json()` gives for a folder of photographs."""
    pairs = {"count": 2, "places": [["photos/test/dog/17.jpg", "photos/train/dog/4.jpg"], ["b.jpg", "c.jpg"]]}
    return {
        "source": "photos",
        "rows": 4818,
        "splits": {"train": 3372, "validation": 480, "test": 963},
        "split_origin": "given; validation by hash of content",
        "classes": {
            "cat": {"train": 1801, "validation": 210, "test": 420},
            "dog": {"train": 1471, "validation": 200, "test": 400},
            HOSTILE: {"train": 100, "validation": 70, "test": 143},
        },
        "columns": "",
        "files": [{"name": "photos", "rows": 4818, "bytes": 91_201_733, "digest": "9f0c", "files": 4818}],
        "rejected": [
            {"where": f"photos/cat/{i}.jpg", "what": "the file is cut off", "fix": "Copy it again"} for i in (3, 8, 9)
        ],
        "duplicates": {"within": {"count": 0, "places": []}, "across": {"count": 0, "places": []}, "near": pairs},
        "notes": ["the folders are the classes"],
        "problems": [],
    }


def data() -> Section:
    """Measured for real, from the report above."""
    context = EvaluationContext(None, None, (), (), (), report=report())
    return replace(measured(Data(), context), seconds=1.25)


def quality() -> Section:
    per_class = [
        {"class": name, "n": n, "recall": {"value": v, "low": v - 0.04, "high": v + 0.04}}
        for name, n, v in (("cat", 420, 0.91), ("dog", 400, 0.868), (HOSTILE, 143, 0.776))
    ]
    matrix = np.array([[382, 28, 10], [35, 347, 18], [12, 20, 111]])
    confusion = plots.confusion_matrix(matrix, ["cat", "dog", HOSTILE])
    history = [
        {"step": i * 50, "training_loss": 1.1 / i**0.6, "validation_loss": 1.1 / i**0.45, "accuracy": 0.9 - 0.4 / i}
        for i in range(1, 21)
    ]
    return Section(
        "quality",
        "Quality",
        sentence="Accuracy is 0.873 [0.852, 0.891] on 963 test rows; always answering ‘cat’ would give 0.436.",
        numbers=(
            number("accuracy", "accuracy", 0.873, 0.852, 0.891, interval="wilson"),
            number("macro_f1", "macro F1", 0.8512, 0.828, 0.874),
            number("baseline", "accuracy of always answering ‘cat’", 0.436, 0.405, 0.468, interval="wilson"),
            number("gain", "accuracy above that baseline", 0.437, 0.398, 0.474, interval="paired bootstrap"),
            number("loss", "mean loss", 0.3481, 0.311, 0.388, unit="nats"),
        ),
        figures=(
            Figure(
                "quality_confusion", "Confusion matrix: a row for each true class, a column for each answer.", confusion
            ),
            Figure("quality_training", "The course of the training.", plots.training_curves(history), (HEARD,)),
        ),
        details={"per_class": per_class, "notes": ["One run: training variance unknown."]},
        seconds=2.0,
    )


def robustness() -> Section:
    severities = {f"corruption {i}": {"1": 0.86 - i / 100, "3": 0.8 - i / 100, "5": 0.6 - i / 50} for i in range(15)}
    drop = [Estimate(0.87 - i / 40, 0.84 - i / 40, 0.89 - i / 40, 500) for i in range(8)]
    bars = plots.bars([f"corruption {i}" for i in range(8)], drop, "accuracy", {"clean": 0.873})
    return Section(
        "robustness",
        "Robustness",
        sentence="Corrupted pictures keep 84 % of the accuracy; an unseen attack leaves at most 0.120.",
        numbers=(
            number("retention", "share of accuracy kept under corruption", 0.842, 0.82, 0.861, n=500),
            number(
                "attack",
                "accuracy under attack",
                0.12,
                0.081,
                0.174,
                kind="bound",
                bound=Bound.UPPER,
                n=200,
                interval="wilson",
            ),
        ),
        figures=(Figure("robustness_corruptions", "Accuracy by corruption and severity", bars),),
        details={"by_corruption": severities},
        seconds=31.5,
    )


def energy() -> Section:
    modelled = {"interval": "model uncertainty"}
    return Section(
        "energy",
        "Energy",
        sentence="Training took about 7.9 kJ and one prediction about 2.1 mJ; both are estimated from processor time.",
        numbers=(
            number("training", "energy of training", 7912, 2611, 23736, unit="J", n=1, kind="estimated", **modelled),
            number("prediction", "energy of one prediction", 0.0021, 0.0019, 0.0023, unit="J per prediction", n=9),
            number("latency", "median time of one prediction", 0.00413, 0.004, 0.0043, unit="s", n=1000),
            number("flops", "operations of one prediction", 41_300_000, None, None, unit="FLOP", n=1),
            number("parameters", "parameters", 284_714, None, None, n=1),
        ),
        details={"source": "processor time x 3.5 W, since this machine has no meter"},
        seconds=12.0,
    )


def calibration() -> Section:
    bins = [(0.35 + 0.1 * i, Estimate(0.3 + 0.1 * i, 0.2 + 0.1 * i, 0.4 + 0.1 * i, 30 + 20 * i)) for i in range(7)]
    return Section(
        "calibration",
        "Calibration",
        sentence="Confidences are 0.031 off on average, no more than chance makes of a calibrated model at this n.",
        numbers=(number("ece", "expected calibration error", 0.031, 0.022, 0.046),),
        figures=(
            Figure("calibration_reliability", "Confidence against accuracy", plots.reliability({"as trained": bins})),
        ),
        seconds=0.5,
    )


@cache
def sample() -> Card:
    """The card."""
    header = Header(
        task="classify",
        model="runs/classify/1",
        data="photos",
        command="sounding train classify photos --seed 0",
        created="2026-11-22T15:44:00+00:00",
        profile="quick",
        seed=0,
        parameters=284_714,
        versions={"sounding": "0.1.0", "torch": "2.13.0"},
        licence="apache-2.0",
        pipeline="image-classification",
        use="Tells cats from dogs in photographs from the garden camera; not for anything else.",
    )
    sections = (
        Section("use", "Use and limits", "Measured on 963 test rows, and on nothing else."),
        data(),
        quality(),
        skipped("seeds", "Seed spread", "one run: training variance is unknown"),
        skipped(
            "data_efficiency", "Data efficiency", "the quick profile does not train again; sounding card --full does"
        ),
        not_applicable("interpretability", "Interpretability", "a game that is played has no rows to explain"),
        not_applicable("concepts", "Concepts", "nothing that people see in these inputs is named"),
        robustness(),
        skipped("certificate", "Certificate", "the quick profile proves nothing"),
        skipped("shift", "Shift", "no second set was given"),
        not_applicable("memorisation", "Memorisation", "nothing is written"),
        calibration(),
        failed("prediction_sets", "Prediction sets and abstention", ZeroDivisionError("division by zero")),
        not_applicable("unknown_inputs", "Unknown inputs", "the model gives no confidences"),
        energy(),
        skipped("trade_offs", "Trade-offs", "the quick profile measures one precision"),
    )
    return Card(header, (*sections, method.section(header, [Part(section) for section in sections])))
