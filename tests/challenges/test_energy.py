"""The energy section, on models whose operations, sizes and times are known."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from challenges import toys
from torch import Tensor, nn

from sounding.challenges import energy
from sounding.challenges.costs import expenses, windows
from sounding.contract.evidence import Section
from sounding.contract.metrics import Metric
from sounding.contract.modality import Modality
from sounding.contract.records import Example, Prediction
from sounding.contract.task import Task
from sounding.evaluation.context import EvaluationContext
from sounding.machine.metering import meter, watts
from sounding.machine.metering.cost import exactly, given, with_joules
from sounding.machine.metering.meter import VARIABLE, Cost, Meter, spread

WIDTH, HIDDEN, OUT = 16, 256, 4
FORWARD = 2 * HIDDEN * (WIDTH + OUT)  # operations of one row


class Vector(Modality):
    def read(self, cell, root=None):
        return np.asarray(cell, np.float32)

    def encode(self, values: Sequence[Any]) -> Tensor:
        return torch.from_numpy(np.stack(values))


class Answer(Modality):
    def read(self, cell, root=None):
        return int(cell)

    def encode(self, values: Sequence[Any]) -> Tensor:
        return torch.tensor(values)


class Toy(Task):
    """Does some `work` before each answer."""

    work = staticmethod(lambda: None)
    modes: list[bool]

    def modalities(self):
        return Vector(), Answer()

    @property
    def metrics(self):
        return [Metric("accuracy", lambda r: float(r.value == r.truth), np.mean, "share right", proportion=True)]

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.Dropout(), nn.ReLU(), nn.Linear(HIDDEN, OUT))

    def loss(self, model, x, y) -> Tensor:
        return nn.functional.cross_entropy(model(x), y, reduction="none")

    def predict(self, model, inputs) -> list[Prediction]:
        self.modes = [model.training, torch.is_grad_enabled()]
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


KNOWN = {**cost().to_json(), "steps": 100, "examples": 6400}


def context(task: Task | None = None, rows: int = 40, training: Any = None, **more: Any) -> EvaluationContext:
    task = task or Toy()
    examples = task.demo(np.random.default_rng(0), rows)
    known = KNOWN if training is None else training
    return EvaluationContext(task, task.build(), examples, examples, examples, training=known, **more)


def briefly(patch: pytest.MonkeyPatch, cache: Any) -> None:
    """Short windows, on a machine of which nothing is known."""
    patch.setitem(energy.WINDOW_SECONDS, "quick", 0.01)
    patch.setattr(windows, "WINDOWS", 5)
    patch.delenv(VARIABLE, raising=False)
    patch.setenv("XDG_CACHE_HOME", str(cache))
    patch.setattr(watts, "processor_name", lambda: "Unknown Processor")


@pytest.fixture(autouse=True)
def _brief(monkeypatch, tmp_path):
    briefly(monkeypatch, tmp_path / "cache")


@pytest.fixture(scope="module")
def section(tmp_path_factory) -> Section:
    with pytest.MonkeyPatch.context() as patch:
        briefly(patch, tmp_path_factory.mktemp("cache"))
        return toys.measured(energy, context())


def ids(section: Section) -> set[str]:
    return {number.id for number in section.numbers}


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
    estimated |= {"joules_per_prediction_1", "joules_per_prediction_32", "training_wh"}
    estimated |= {"wh_per_1000_predictions_1", "wh_per_1000_predictions_32"}
    assert {id for id, kind in kinds.items() if kind == "estimated"} == estimated
    assert "an estimated 280 J (estimate: 3.5 W per CPU-second)" in section.sentence
    assert all(number.definition for number in section.numbers)
    json.dumps(section.to_json(), allow_nan=False)


def test_an_estimate_carries_both_the_spread_of_windows_and_the_models(section):
    joules = section["joules_per_prediction_1"]
    assert joules.interval == "model uncertainty"
    assert joules.low < 0.33 * joules.value
    assert joules.high > 3 * joules.value
    assert 2 <= joules.n <= windows.WINDOWS


class Clock:
    """Time that passes only where something sleeps or works: no load of the machine disturbs it.

    `turn` takes the joules that a counter shows meanwhile, at 100 W.
    """

    def __init__(self, turn: Any = None) -> None:
        self.turn, self.now, self.worked = turn, 0.0, 0.0

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.worked

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.turn:
            self.turn(100.0 * seconds)

    def work(self, seconds: float) -> None:
        self.sleep(seconds)
        self.worked += seconds


def timed(patch: pytest.MonkeyPatch, turn: Any = None) -> Clock:
    """The clock that windows and meters read from now on."""
    clock = Clock(turn)
    for module in (windows, meter):
        patch.setattr(module, "time", clock)
    return clock


def test_latency_and_throughput_are_those_of_the_clock(monkeypatch):
    clock, task = timed(monkeypatch), Toy()
    task.work = lambda: clock.sleep(0.004)
    found = toys.measured(energy, context(task))
    for id in ("latency_p50", "latency_p95"):
        assert found[id].value == pytest.approx(0.004)
    assert found["throughput_32"].value == pytest.approx(32 / 0.004)
    assert found["latency_p50"].low <= found["latency_p50"].value <= found["latency_p50"].high


def test_a_real_clock_is_read():
    """However busy the machine is, no answer takes less than the sleep in it."""
    task = Toy()
    task.work = lambda: time.sleep(0.004)
    found = toys.measured(energy, context(task))
    assert 0.004 < found["latency_p50"].value <= found["latency_p95"].value
    assert 0 < found["throughput_32"].value < 32 / 0.004


def test_sleeping_costs_no_energy_and_working_does(monkeypatch):
    clock, joules = timed(monkeypatch), {}
    for name, spend in {"asleep": clock.sleep, "awake": clock.work}.items():
        task = Toy()
        task.work = lambda spend=spend: spend(0.01)
        joules[name] = toys.measured(energy, context(task))["joules_per_prediction_1"].value
    assert joules["awake"] == pytest.approx(3.5 * 0.01)
    assert joules["asleep"] == 0


def counter(root: Any) -> Any:
    """A tree of energy counters, and a function that turns the counter on by some joules."""
    folder = root / "intel-rapl:0"
    folder.mkdir(parents=True)
    for name, text in {"name": "package-0", "energy_uj": "0", "max_energy_range_uj": "262143328850"}.items():
        (folder / name).write_text(text)

    def turn(joules: float = 2.0) -> None:
        spent = int((folder / "energy_uj").read_text())
        # whole in one step, as the kernel's file is: the watching thread must never read half a number
        (folder / "new").write_text(str(spent + int(joules * 1e6)))
        (folder / "new").replace(folder / "energy_uj")

    return turn


def test_a_counter_makes_the_energy_measured(tmp_path, monkeypatch):
    """A tree whose counter grows by 2 J at each prediction."""
    task = Toy()
    task.work = counter(tmp_path / "tree")
    monkeypatch.setattr(windows, "Meter", lambda: Meter(root=tmp_path / "tree"))
    measured = cost(joules=spread(9.0, (1, 1)), source="rapl", kind="measured", memory_source="rapl").to_json()
    found = toys.measured(energy, context(task, training=measured))
    assert found["joules_per_prediction_1"].value == pytest.approx(2.0)
    assert found["joules_per_prediction_32"].value == pytest.approx(2.0 / 32)
    assert found["joules_per_prediction_1_net"].value == pytest.approx(2.0), "this machine's counter rests when idle"
    kinds = {number.id: number.kind for number in found.numbers}
    assert {kinds[f"joules_per_prediction_{n}"] for n in (1, 32)} == {"measured"}
    assert kinds["training_joules"] == kinds["training_memory_joules"] == "measured"
    assert "a measured 9 J (rapl)" in found.sentence
    assert "a measured 2 J" in found.sentence


def test_what_the_idle_machine_draws_is_taken_off_beside_the_gross_figure(tmp_path, monkeypatch):
    """Predictions that sleep cost what the idle machine draws; those that cost 0.2 J beside are told by that."""
    turn = counter(tmp_path / "tree")
    clock = timed(monkeypatch, turn)
    monkeypatch.setattr(windows, "Meter", lambda: Meter(root=tmp_path / "tree"))
    for more in (0.0, 0.2):
        task = Toy()
        task.work = lambda more=more: (clock.sleep(0.005), turn(more))
        found = toys.measured(energy, context(task))
        assert found["joules_per_prediction_1"].value == pytest.approx(0.5 + more)
        assert found["joules_per_prediction_1_net"].value == pytest.approx(more, abs=1e-6)


def test_a_training_that_passes_each_example_several_times_takes_as_many_operations():
    hardened, plain = (toys.measured(energy, context(training={**KNOWN, **more})) for more in ({"passes": 3.0}, {}))
    assert hardened["training_flops"].value == 3 * plain["training_flops"].value
    (number,) = [n for n in hardened.numbers if n.id == "training_flops"]
    assert number.definition.endswith("times examples seen, times 3 passes for each")
    before = {"pretraining": {"examples": 100, "passes": 2.0}}
    assert expenses.examples_passed({**KNOWN, **before})[0] == 6400 + 200


def test_a_slow_call_in_twenty_is_seen_by_the_95th_percentile_of_short_windows():
    """Windows of two calls, a tenth of them slow: the mean of each window's percentile would be far too short."""
    calls = np.full((40, 2), 0.01)
    calls[::5, 0] = 0.1
    found = windows.latency([windows.Window(2, cost(), each) for each in calls], 95, seed=0)
    assert found.value == pytest.approx(0.1)
    assert windows.latency([windows.Window(2, cost(), each) for each in calls], 50, seed=0).value == 0.01


def test_an_estimate_is_not_told_net(section):
    assert not [id for id in ids(section) if id.endswith("_net")], "the idle share is in the watts"


def test_watt_hours_are_joules_in_another_unit(section):
    assert section["training_wh"].value == pytest.approx(280 / 3600)
    for size in (1, 32):
        joules, hours = section[f"joules_per_prediction_{size}"], section[f"wh_per_1000_predictions_{size}"]
        assert (hours.value, hours.low, hours.high) == pytest.approx(
            tuple(1000 * x / 3600 for x in (joules.value, joules.low, joules.high))
        )


def test_threads_and_dtype_are_told(section):
    assert section["threads"].value == torch.get_num_threads()
    assert section.details["dtype of a prediction"] == "float32"


# ---- joules of the user's own meter


def test_joules_that_the_user_gave_are_measured_and_say_whose_they_are():
    found = toys.measured(energy, context(training=with_joules(KNOWN, 5400)))
    number = next(n for n in found.numbers if n.id == "training_joules")
    assert (number.estimate, number.kind) == (exactly(5400.0), "measured")
    assert number.definition == "as the user read it from a meter; what else that meter saw is in it"
    assert "a measured 5.4 kJ (meter (given by the user))" in found.sentence
    assert "the program itself found 280 J" in found.details["energy source of training"]
    assert found["training_wh"].value == pytest.approx(1.5)


# ---- CO2e


def test_no_region_no_grams_and_one_line_that_says_so(section):
    assert not [id for id in ids(section) if "co2" in id]
    assert section.details["CO2e"] == "not printed: nobody said in which region the electricity was used"
    assert "CO2" not in section.sentence


def test_grams_follow_from_the_joules_and_the_region():
    found = toys.measured(
        energy, context(region="PL", training={**KNOWN, **cost(joules=spread(3.6e6, (0.33, 3))).to_json()})
    )
    grams = found["training_co2e"]
    assert (grams.value, grams.low, grams.high) == pytest.approx((662, 0.33 * 662, 3 * 662))
    assert grams.interval == "model uncertainty"
    joules, each = found["joules_per_prediction_1"], found["co2e_per_1000_predictions"]
    expected = tuple(x * 1000 / 3.6e6 * 662 for x in (joules.value, joules.low, joules.high))
    assert (each.value, each.low, each.high) == pytest.approx(expected)
    assert {n.kind for n in found.numbers if "co2e" in n.id} == {"estimated"}
    assert "At 662 g/kWh (Poland 2023), the training is 662 g and 1,000 predictions are" in found.sentence
    assert "CO2e" not in found.details


def test_measured_joules_still_give_estimated_grams():
    found = toys.measured(energy, context(region="world", training=given(cost(), 3.6e6).to_json()))
    (number,) = [n for n in found.numbers if n.id == "training_co2e"]
    assert (number.kind, number.unit) == ("estimated", "g")
    assert "the world's mean" in number.definition


def test_a_data_centres_overhead_is_counted_and_named():
    plain, shared = (toys.measured(energy, context(region="FR", **more)) for more in ({}, {"config": {"pue": 1.5}}))
    assert shared["training_co2e"].value == pytest.approx(1.5 * plain["training_co2e"].value)
    (number,) = [n for n in shared.numbers if n.id == "training_co2e"]
    assert "power usage effectiveness of 1.5" in number.definition


@pytest.mark.parametrize("more", [{"region": "Sweeden"}, {"region": "SE", "config": {"pue": 0.2}}])
def test_a_place_that_cannot_be_costs_the_grams_and_not_the_section(more):
    found = toys.measured(energy, context(**more))
    assert found.status == "ok"
    assert found.details["CO2e"].startswith("not printed: ")
    assert "training_co2e" not in ids(found)


# ---- energy to a wanted quality


def reached(**until: Any) -> Section:
    return toys.measured(energy, context(training={**KNOWN, "until": until}))


def test_the_joules_to_a_wanted_quality_are_those_until_it_was_reached():
    found = reached(target=0.93, reached=True, step=50, seconds=10.0)
    joules = found["joules_to_target"]
    assert (joules.value, joules.low) == pytest.approx((70.0, 0.33 * 70))
    (number,) = [n for n in found.numbers if n.id == "joules_to_target"]
    assert "accuracy 0.93 on the validation rows was reached, as the 25 % of the training's time" in number.definition
    assert "Reaching the wanted accuracy 0.93 took 10 s and 70 J." in found.sentence


def test_a_training_that_stopped_there_spent_all_of_it_on_that():
    training = {**given(cost(), 5400).to_json(), "until": {"target": 0.9, "reached": True, "step": 1, "seconds": 39.9}}
    found = toys.measured(energy, context(training=training))
    (number,) = [n for n in found.numbers if n.id == "joules_to_target"]
    assert (number.estimate.value, number.kind) == (5400, "measured")


def test_a_quality_that_was_not_reached_gives_a_lower_bound():
    found = reached(target=0.99, reached=False, step=None, seconds=None)
    (number,) = [n for n in found.numbers if n.id == "joules_to_target"]
    assert (number.kind, number.estimate.value) == ("bound", 280)
    assert number.definition.startswith("lower bound: accuracy 0.99 on the validation rows was not reached")
    assert "The wanted accuracy 0.99 was not reached with these 280 J." in found.sentence


@pytest.mark.parametrize("until", [None, {}, {"target": None}, {"target": "x", "reached": True}, {"reached": True}, 3])
def test_without_a_wanted_quality_nothing_is_said_of_one(until):
    found = toys.measured(energy, context(training={**KNOWN, "until": until}))
    assert "joules_to_target" not in ids(found)


# ---- what can go wrong


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_a_model_of_constants_or_of_nothing_costs_what_it_costs(value):
    bench = context(region="SE")
    with torch.no_grad():
        for parameter in bench.model.parameters():
            parameter.fill_(value)
    found = toys.measured(energy, bench)
    assert found["flops_per_prediction"].value == FORWARD
    json.dumps(found.to_json(), allow_nan=False)


def test_operations_that_cannot_be_counted_are_said_to_be_so():
    task = Toy()
    task.work = lambda: torch.linalg.svd(torch.rand(4, 4))
    found = toys.measured(energy, context(task))
    assert found.details["FLOPs of a prediction"].startswith("not counted: the operations of _linalg_svd")
    assert "flops_per_prediction" not in {number.id for number in found.numbers}
    assert found["training_flops"].value == 3 * FORWARD * 6400, "the loss can still be counted"


def test_an_unmetered_training_is_said_to_be_unknown():
    found = toys.measured(energy, context(training={}))
    assert found.sentence.endswith("What training cost is unknown.")
    assert not [number for number in found.numbers if number.id.startswith("training")]
    assert found["joules_per_prediction_1"].value > 0


def test_a_slow_model_gets_fewer_windows_and_no_endless_wait(monkeypatch):
    clock, task = timed(monkeypatch), Toy()
    task.work = lambda: clock.sleep(0.2)
    found = toys.measured(energy, context(task))
    assert clock.now < 4, "two calls of each kind, and eight to count operations"
    assert 1 <= found["latency_p50"].n < windows.WINDOWS


def test_few_rows_still_fill_a_batch():
    found = toys.measured(energy, context(rows=3))
    assert found["throughput_32"].value > 0


def test_no_rows_is_not_applicable():
    assert toys.measured(energy, context(rows=0)).status == "not_applicable"


def test_the_model_is_measured_in_evaluation_mode_and_left_as_it_was():
    bench = context()
    bench.model.train()
    bench.model[1].eval()
    toys.measured(energy, bench)
    assert bench.task.modes == [False, False]
    assert bench.model.training
    assert not bench.model[1].training


def test_the_quick_budget_is_a_few_seconds(monkeypatch):
    monkeypatch.undo()
    clock, task = timed(monkeypatch), Toy()
    task.work = lambda: clock.sleep(0.005)
    found = toys.measured(energy, context(task))
    assert clock.now < 5
    assert 5 <= found["latency_p50"].n <= windows.WINDOWS
