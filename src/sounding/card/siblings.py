"""Runs that differ from one run by their seed alone, found beside it on the disk, and the headline of each."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from sounding.errors import RunError
from sounding.files import read_json

_NOT_OF_THE_TRAINING = frozenset(
    {"schema", "seed", "created", "command", "setting", "source", "columns", "allow_bad", "card", "every", "log"}
)
"""Keys of config.json in which siblings may differ. The data are compared by their digest, wherever they lie."""


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
