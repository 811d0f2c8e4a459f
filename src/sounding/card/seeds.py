"""The section on seed spread: how much the headline would differ had the training drawn other random numbers.

Every other interval of a card speaks of one trained model and other rows. This one speaks of other trainings on the
same rows. It takes several of them: runs that differ in nothing but the seed, found beside this one on the disk.

    siblings   the headline of each such run, by seed
    measure    the section
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sounding.card.wording import capital
from sounding.contract.evidence import Estimate, Number, Section, not_applicable, skipped
from sounding.contract.metrics import Metric
from sounding.errors import RunError, SoundingError
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.intervals import as_share, mean_t
from sounding.files import read_json

ID, TITLE = "seeds", "Seed spread"
ONE_RUN = "one run: training variance is unknown; train with other seeds and make the card again"
FEWEST = 3
"""Runs below which the spread of their mean is not printed: it is not known well enough."""

_NOT_OF_THE_TRAINING = frozenset({"schema", "seed", "created", "command", "setting", "source", "columns", "allow_bad"})
"""Keys of config.json in which siblings may differ. The data are compared by their digest, wherever they lie."""


def measure(context: EvaluationContext, headlines: Mapping[int, float] | None = None) -> Section:
    """Mean, range and t interval of the headline over this run and `headlines`, seed → value of runs that are siblings.

    The value of the subject's own seed is measured, whatever `headlines` says of it.
    """
    started = time.perf_counter()
    metric = context.task.metrics[0]
    others = {seed: value for seed, value in (headlines or {}).items() if seed != context.seed and math.isfinite(value)}
    if not others:
        return skipped(ID, TITLE, ONE_RUN)
    if not len(context.test):
        return not_applicable(ID, TITLE, "there are no test rows")
    try:
        own = metric.value(context.records)
    except SoundingError as error:  # a broken model is the finding of another section
        return not_applicable(ID, TITLE, str(error))
    if not math.isfinite(own):
        return not_applicable(ID, TITLE, f"{metric.name} of this run is not finite")
    values = dict(sorted({**others, context.seed: own}.items()))
    mean = _mean(metric, values)
    numbers = tuple(_numbers(metric, values, mean, time.perf_counter() - started))
    rows = [{"seed": seed, metric.name: value} for seed, value in values.items()]
    return Section(ID, TITLE, _sentence(context, values, mean, own), numbers, details={"runs": rows})


def _mean(metric: Metric, values: Mapping[int, float]) -> Estimate:
    """The mean with its t interval; that of a share ends at 0 and 1."""
    found = mean_t(list(values.values()), "seeds")
    return as_share(found) if metric.proportion else found


def _numbers(metric: Metric, values: Mapping[int, float], found: Estimate, seconds: float) -> Iterator[Number]:
    k, name, unit = len(values), metric.name, metric.unit
    same = f"{k} runs that differ only by seed, on the same test rows"
    mean = f"mean of {name} over {same}; the interval is of other seeds, not of other rows"
    yield Number("mean", f"mean {name} over {k} seeds", found, mean, unit, seconds=seconds)
    for id, end, value in (("lowest", "smallest", min(values.values())), ("highest", "largest", max(values.values()))):
        meaning = f"the {end} {name} of {same}"
        yield Number(id, f"{id} {name} over {k} seeds", Estimate(value, n=k), meaning, unit, seconds=seconds)


def _sentence(context: EvaluationContext, values: Mapping[int, float], mean: Estimate, own: float) -> str:
    name, unit = context.task.metrics[0].name, context.task.metrics[0].unit
    unit = f" {unit}" if unit else ""
    ends = f"from {min(values.values()):.3f} to {max(values.values()):.3f}"
    this = f"this run (seed {context.seed}) has {own:.3f}"
    said = f"{capital(name)} is {mean}{unit} on average over {len(values)} seeds, {ends}; {this}."
    if len(values) < FEWEST:
        said += f" {len(values)} runs are too few for an interval: train with {FEWEST} seeds or more."
    return said


# ---- on the disk


def siblings(run_dir: Path | str) -> dict[int, float]:
    """Seed → headline of the finished runs beside `run_dir` that differ from it only by seed.

    A sibling has the same task, recipe, budget, versions and other choices in config.json, the same digest of the data,
    the same precision, and a card. Of two with one seed the later is taken. Folders that are broken, or no runs, are
    passed over.
    """
    here = Path(run_dir).resolve()
    mine, own = _identity(here), _json(here / "config.json").get("seed")
    if mine is None:
        return {}
    try:
        folders = sorted(
            (f for f in here.parent.iterdir() if f.is_dir() and f.resolve() != here), key=_number_then_name
        )
    except OSError:
        return {}
    found: dict[int, float] = {}
    for folder in folders:
        seed, headline = _json(folder / "config.json").get("seed"), _headline(folder)
        if not isinstance(seed, int) or seed == own or headline is None:
            continue
        if _identity(folder) == mine and _finished(folder):
            found[seed] = headline
    return found


def _identity(folder: Path) -> dict[str, Any] | None:
    """What siblings have in common; None for a folder that is no run."""
    config, digest = _json(folder / "config.json"), _json(folder / "data.json").get("digest")
    setting = config.get("setting")
    if not isinstance(config.get("task"), str) or not digest:
        return None
    precision = setting.get("precision") if isinstance(setting, dict) else None
    return {**_choices(config), "digest": digest, "precision": precision}


def _choices(config: dict[str, Any]) -> dict[str, Any]:
    """What a config says of the training itself. What is unset counts as absent: older runs do not have every key."""
    own = {key: value for key, value in config.items() if key not in _NOT_OF_THE_TRAINING}
    choices = {key: _choices(value) if isinstance(value, dict) else value for key, value in own.items()}
    return {key: value for key, value in choices.items() if value}


def _headline(folder: Path) -> float | None:
    """The first number of the section on quality in the card of a run, or None where there is none."""
    try:
        sections = _json(folder / "card.json")["sections"]
        value = next(s for s in sections if s["id"] == "quality")["numbers"][0]["value"]
    except (KeyError, TypeError, IndexError, StopIteration):
        return None
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None


def _finished(folder: Path) -> bool:
    return bool(_json(folder / "trainer_state.json").get("finished")) and (folder / "training.json").exists()


def _json(path: Path) -> dict[str, Any]:
    """The object in a file; an empty one where it is missing, damaged, or something else."""
    try:
        found = read_json(path)
    except (RunError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _number_then_name(folder: Path) -> tuple[int, str]:
    return (int(folder.name) if folder.name.isdecimal() else -1), folder.name
