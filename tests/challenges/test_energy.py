"""The energy section, on models whose operations, sizes and times are known."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sounding.challenges import energy
from sounding.engine.evidence import Section
from sounding.engine.meter import VARIABLE, Cost, Meter, spread
from sounding.engine.metrics import Metric
from sounding.engine.records import Example, Prediction
from sounding.engine.subject import Subject
from sounding.engine.task import Task
from sounding.modalities.modality import InputModality, Modality

WIDTH, HIDDEN, OUT = 16, 256, 4
FORWARD = 2 * HIDDEN * (WIDTH + OUT)  # operations of one row


class Vector(InputModality):
    def read(self, cell, root=None):
        return np.asarray(cell, np.float32)

    def encode(self, values: Sequence[Any]) -> Tensor:
        return torch.from_numpy(np.stack(values))

    def parts(self, value) -> int:
        return len(value)

    def keep(self, value, mask, ablation):
        return np.where(mask, value, 0.0)


class Answer(Modality):
    def read(self, cell, root=None):
        return int(cell)

    def encode(self, values: Sequence[Any]) -> Tensor:
        return torch.tensor(values)


class Toy(Task):
    """Answers after `nap` seconds of sleep, so that times are known."""

    nap = 0.0
    work = staticmethod(lambda: None)
    modes: list[bool]

    def modalities(self):
        return Vector(), Answer()

    @property
    def metrics(self):
        return [Metric("accuracy", lambda r: float(r.value == r.truth), np.mean, "share right", proportion=True)]

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.Dropout(), nn.ReLU(), nn.Linear(HIDDEN, OUT))

    def loss(self, model, x, targets) -> Tensor:
        return nn.functional.cross_entropy(model(x), torch.tensor(targets), reduction="none")

    def predict(self, model, inputs) -> list[Prediction]:
        self.modes = [model.training, torch.is_grad_enabled()]
        time.sleep(self.nap)
        self.work()
        return [Prediction(int(row.argmax())) for row in model(self.input.encode(inputs))]

    def demo(self, rng, n) -> list[Example]:
        return [Example(rng.normal(size=WIDTH).astype(np.float32), int(rng.integers(OUT))) for _ in range(n)]


def cost(**changes: Any) -> Cost:
    values = {
        "seconds": 40.0,
        "cpu_seconds": 80.0,
        "joules": spread(280.0, (0.33, 3.0)),
        "source": "estimate: 3.5 W per CPU-second",
        "kind": "estimated",
        "peak_rss_mb": 300.0,
        "memory_joules": spread(5.0, (0.33, 3.0)),
        "memory_source": "estimate: 0.392 W per GB of memory",
    }
    return Cost(**{**values, **changes})


def subject(task: Task | None = None, rows: int = 40, training: Any = None, profile: Any = "quick") -> Subject:
    task = task or Toy()
    examples = task.demo(np.random.default_rng(0), rows)
    known = {**cost().to_json(), "steps": 100, "examples": 6400} if training is None else training
    return Subject(task, task.build(), examples, examples, examples, profile, training=known)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(energy, "WINDOW_SECONDS", {"quick": 0.02})


@pytest.fixture(scope="module")
def section() -> Section:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(energy, "WINDOW_SECONDS", {"quick": 0.02})
        patch.delenv(VARIABLE, raising=False)
        return energy.measure(subject())


def test_operations_and_sizes_are_exact(section):
    assert section["flops_per_prediction"].value == FORWARD
    assert section["training_flops"].value == 3 * FORWARD * 6400
    parameters = (WIDTH + 1) * HIDDEN + (HIDDEN + 1) * OUT
    assert section["parameters"].value == parameters
    assert section["model_bytes"].value == 4 * parameters


def test_the_training_is_told_as_it_was_metered(section):
    known = cost()
    assert section["training_joules"] == known.joules
    assert section["training_memory_joules"] == known.memory_joules
    found = [section[f"training_{name}"].value for name in ("seconds", "cpu_seconds", "steps", "examples")]
    assert found == [40.0, 80.0, 100, 6400]


def test_every_number_is_said_to_be_measured_or_estimated(section):
    kinds = {number.id: number.kind for number in section.numbers}
    estimated = {"training_joules", "training_memory_joules", "training_flops"}
    estimated |= {"joules_per_prediction_1", "joules_per_prediction_32"}
    assert {id for id, kind in kinds.items() if kind == "estimated"} == estimated
    assert "an estimated 280 J (estimate: 3.5 W per CPU-second)" in section.sentence
    assert all(number.definition for number in section.numbers)
    json.dumps(section.to_json(), allow_nan=False)


def test_an_estimate_carries_both_the_spread_of_windows_and_the_models(section):
    joules = section["joules_per_prediction_1"]
    assert joules.interval == "model uncertainty"
    assert joules.low < 0.33 * joules.value
    assert joules.high > 3 * joules.value
    assert 2 <= joules.n <= energy.WINDOWS


def test_latency_and_throughput_are_those_of_the_clock():
    task = Toy()
    task.nap = 0.004
    found = energy.measure(subject(task))
    assert 0.004 < found["latency_p50"].value < 0.012
    assert found["latency_p50"].value <= found["latency_p95"].value
    assert 0.3 * 32 / 0.004 < found["throughput_32"].value < 32 / 0.004
    assert found["latency_p50"].low <= found["latency_p50"].value <= found["latency_p50"].high


def test_sleeping_costs_no_energy_and_working_does():
    task = Toy()
    task.nap = 0.01
    asleep = energy.measure(subject(task))["joules_per_prediction_1"].value
    busy = Toy()

    def burn() -> None:
        end = time.process_time() + 0.01
        while time.process_time() < end:
            pass

    busy.work = burn
    awake = energy.measure(subject(busy))["joules_per_prediction_1"].value
    assert awake == pytest.approx(3.5 * 0.01, rel=0.3)
    assert asleep < awake / 4


def test_a_counter_makes_the_energy_measured(tmp_path, monkeypatch):
    """A tree whose counter grows by 2 J at each prediction."""
    folder = tmp_path / "intel-rapl:0"
    folder.mkdir()
    for name, text in {"name": "package-0", "energy_uj": "0", "max_energy_range_uj": "262143328850"}.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(energy, "Meter", lambda: Meter(root=tmp_path))
    task = Toy()

    def turn() -> None:
        spent = int((folder / "energy_uj").read_text())
        # whole in one step, as the kernel's file is: the watching thread must never read half a number
        (folder / "new").write_text(str(spent + 2_000_000))
        (folder / "new").replace(folder / "energy_uj")

    task.work = turn
    measured = cost(joules=spread(9.0, (1, 1)), source="rapl", kind="measured", memory_source="rapl").to_json()
    found = energy.measure(subject(task, training=measured))
    assert found["joules_per_prediction_1"].value == pytest.approx(2.0)
    assert found["joules_per_prediction_32"].value == pytest.approx(2.0 / 32)
    kinds = {number.id: number.kind for number in found.numbers}
    assert {kinds[f"joules_per_prediction_{n}"] for n in (1, 32)} == {"measured"}
    assert kinds["training_joules"] == kinds["training_memory_joules"] == "measured"
    assert "a measured 9 J (rapl)" in found.sentence
    assert "a measured 2 J" in found.sentence


def test_operations_that_cannot_be_counted_are_said_to_be_so():
    task = Toy()
    task.work = lambda: torch.linalg.svd(torch.rand(4, 4))
    found = energy.measure(subject(task))
    assert found.details["operations of a prediction"].startswith("not counted: the operations of _linalg_svd")
    assert "flops_per_prediction" not in {number.id for number in found.numbers}
    assert found["training_flops"].value == 3 * FORWARD * 6400, "the loss can still be counted"


def test_an_unmetered_training_is_said_to_be_unknown():
    found = energy.measure(subject(training={}))
    assert found.sentence.endswith("What training cost is unknown.")
    assert not [number for number in found.numbers if number.id.startswith("training")]
    assert found["joules_per_prediction_1"].value > 0


def test_a_slow_model_gets_fewer_windows_and_no_endless_wait(monkeypatch):
    task = Toy()
    task.nap = 0.2
    start = time.perf_counter()
    found = energy.measure(subject(task))
    assert time.perf_counter() - start < 4, "two calls of each kind, and eight to count operations"
    assert 1 <= found["latency_p50"].n < energy.WINDOWS


def test_few_rows_still_fill_a_batch():
    found = energy.measure(subject(rows=3))
    assert found["throughput_32"].value > 0


def test_no_rows_is_not_applicable():
    assert energy.measure(subject(rows=0)).status == "not_applicable"


def test_the_model_is_measured_in_evaluation_mode_and_left_as_it_was():
    bench = subject()
    bench.model.train()
    bench.model[1].eval()
    energy.measure(bench)
    assert bench.task.modes == [False, False]
    assert bench.model.training
    assert not bench.model[1].training


def test_the_quick_budget_is_a_few_seconds(monkeypatch):
    monkeypatch.undo()
    found = energy.measure(subject())
    assert found.seconds < 5
    assert 5 <= found["latency_p50"].n <= energy.WINDOWS
