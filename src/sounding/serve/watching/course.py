"""What is known of a training so far. The training writes it and never waits; the threads of the page read it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sounding.machine.metering.cost import Cost
from sounding.training.progress import Standing

MOST = 800
"""Points of a curve. Where there are more, every other one is left out."""
MESSAGES = 50
"""Of what was said, the latest are kept."""


@dataclass(frozen=True)
class Place:
    """How much a reader has: points and validations of which edition, messages, and which looks."""

    edition: int = -1
    points: int = 0
    rows: int = 0
    messages: int = 0
    layers: int = 0
    examples: int = 0


@dataclass
class Course:
    """The course of one training after the other under one title: curves, validations, messages, looks.

    `state` is "training", or how it ended: "finished", "stopped", "failed". Points are [step, smoothed loss, learning
    rate]; rows are those of metrics.csv.
    """

    title: str
    state: str = "training"
    standing: dict[str, Any] = field(default_factory=dict)
    energy: Callable[[], Cost] | None = None
    """Tells what the training that goes on cost so far, without what it cost before it was resumed."""
    layers: dict[str, Any] | None = None
    examples: int = 0
    """How often the examples were answered."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._points: list[tuple[int, float, float]] = []
        self._rows: list[dict[str, Any]] = []
        self._messages: list[str] = []
        self._said = self._looked = self._edition = 0
        self._every, self._rate, self._began = 1, 0.0, time.monotonic()
        self._before: Cost | None = None

    # ---- told by the training

    def begin(self) -> None:
        """A training begins: what was drawn of another one before is put away."""
        with self._lock:
            self._points, self._rows, self._every = [], [], 1
            self._edition += 1
            self.layers, self.standing, self._began = None, {}, time.monotonic()

    def seen(self, rate: float) -> None:
        """The learning rate of a step."""
        self._rate = rate

    def note(self, standing: Standing) -> None:
        """Where the training stands after a step. Where it went back, so do the curves."""
        self.standing = {**asdict(standing), "seconds": time.monotonic() - self._began}
        if self._points and standing.step <= self._points[-1][0]:
            self._go_back(standing.step)
        if standing.step % self._every:
            return
        with self._lock:
            self._points.append((standing.step, standing.loss, self._rate))
            if len(self._points) > MOST:
                self._points, self._every = self._points[1::2], 2 * self._every
                self._edition += 1

    def _go_back(self, step: int) -> None:
        with self._lock:
            self._points = [point for point in self._points if point[0] < step]
            self._rows = [row for row in self._rows if row["step"] < step]
            self._edition += 1

    def earlier(self, rows: list[dict[str, Any]], cost: Mapping[str, Any] | None = None) -> None:
        """The validations of a training that goes on, and what it cost so far."""
        with self._lock:
            self._rows = [dict(row) for row in rows]
            self._before = Cost.from_json(cost) if cost else None
            self._edition += 1

    def validated(self, row: Mapping[str, Any]) -> None:
        """What the validation rows gave."""
        with self._lock:
            self._rows.append(dict(row))

    def say(self, message: str) -> None:
        """Something that a person should know."""
        with self._lock:
            self._messages = [*self._messages, message.strip()][-MESSAGES:]
            self._said += 1

    def show(self, layers: dict[str, Any]) -> None:
        """A look at the layers."""
        self.layers = layers
        self._looked += 1

    # ---- asked by the page

    def since(self, place: Place) -> tuple[dict[str, Any], Place]:
        """What a reader at that place lacks, and where it is then."""
        with self._lock:
            anew = place.edition != self._edition
            points = self._points[0 if anew else place.points :]
            rows = self._rows[0 if anew else place.rows :]
            fresh = self._messages[-(self._said - place.messages) :] if self._said > place.messages else []
            there = Place(self._edition, len(self._points), len(self._rows), self._said, self._looked, self.examples)
        told = {
            "title": self.title,
            "state": self.state,
            "anew": anew,
            "standing": self.standing,
            "energy": self._spent(),
            "points": points,
            "rows": rows,
            "messages": fresh,
            "examples": there.examples,
        }
        return told | ({"layers": self.layers} if anew or there.layers != place.layers else {}), there

    def _spent(self) -> dict[str, Any] | None:
        """What the training cost, in all its sessions; None where none goes on."""
        if self.energy is None:
            return None
        cost = self._before + self.energy() if self._before else self.energy()
        return {"joules": cost.joules.value, "kind": cost.kind, "source": cost.source}
