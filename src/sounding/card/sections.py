"""Which sections a card has: one for each file of `challenges/` that holds a Challenge, found by walking the folder.

Adding a section is adding a file; there is no list to edit. A file that cannot be imported costs its own section and no
other: it stands at the end of the card with the error. The notes on method come last and are made of all the others.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from sounding import challenges
from sounding.card import method
from sounding.evaluation.challenge import Challenge, Findings
from sounding.evaluation.context import EvaluationContext


def found() -> tuple[Challenge[Any], ...]:
    """Every challenge, in the order of the card."""
    names = [name for _, name, folder in pkgutil.iter_modules(challenges.__path__) if not folder]
    every = [challenge for name in names for challenge in _loaded(name)]
    return tuple(sorted(every, key=lambda challenge: (challenge.order, challenge.id)))


def sections() -> Mapping[str, str]:
    """Id → title of every section that a card has, in the order of the card."""
    return {**{challenge.id: challenge.title for challenge in found()}, method.ID: method.TITLE}


def held_in(module: ModuleType) -> list[Challenge[Any]]:
    """The challenges that a module defines itself; none for one that only helps others."""
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and kind.__module__ == module.__name__]
    return [kind() for kind in kinds if issubclass(kind, Challenge)]


def _loaded(name: str) -> list[Challenge[Any]]:
    try:
        return held_in(import_module(f"{challenges.__name__}.{name}"))
    except Exception as error:  # whatever is wrong in one file, the other sections are measured
        return [_Unloadable(name, error)]


class _Unloadable(Challenge[None]):
    """Stands for a file that could not be imported: measuring it raises the error that importing it did."""

    order = float("inf")
    rows = False

    def __init__(self, name: str, error: Exception) -> None:
        self.id, self.title, self.error = name, name.replace("_", " ").capitalize(), error  # type: ignore[misc]

    def measure(self, context: EvaluationContext) -> Findings:
        """Never: raises."""
        raise self.error
