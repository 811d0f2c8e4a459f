"""The cost of some work: seconds, CPU-seconds, joules and memory, said to be measured or estimated.

Costs add up: a training that was resumed cost the sum of its sessions. Joules that a person read from a meter of their
own replace what the program found:

    given(cost, 5400)               the same work, 5400 J by the person's word
    with_joules(training, 5400)     the same for the mapping that a run keeps in training.json
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sounding.contract.evidence import Estimate, Kind
from sounding.errors import RunError, UsageError

METER = "meter (given by the user)"


@dataclass(frozen=True)
class Cost:
    """What some work cost.

    `joules` is processor and graphics card (or what the user's own meter saw); `memory_joules` stands beside it and is
    not in it. `kind` is "measured" only if all of `joules` came from a meter; `source` names the meter or rule, `note`
    says why a better one was not used. `peak_rss_mb` [MB] is the most memory this process has held since it began, 0
    where the system does not say.
    """

    seconds: float
    cpu_seconds: float
    joules: Estimate
    source: str
    kind: Kind
    peak_rss_mb: float
    memory_joules: Estimate
    memory_source: str
    note: str = ""

    def __add__(self, other: Cost) -> Cost:
        measured = self.kind == other.kind == "measured"
        return Cost(
            seconds=self.seconds + other.seconds,
            cpu_seconds=self.cpu_seconds + other.cpu_seconds,
            joules=total(self.joules, other.joules),
            source=both(self.source, other.source),
            kind="measured" if measured else "estimated",
            peak_rss_mb=max(self.peak_rss_mb, other.peak_rss_mb),
            memory_joules=total(self.memory_joules, other.memory_joules),
            memory_source=both(self.memory_source, other.memory_source),
            note=both(self.note, other.note),
        )

    def to_json(self) -> dict[str, Any]:
        """The fields by name, the estimates as mappings."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Cost:
        """The cost that gave `values`; other keys beside its own are left alone. Raises KeyError for a missing one."""
        own = {name: values[name] for name in cls.__dataclass_fields__}
        for name in ("joules", "memory_joules"):
            own[name] = Estimate(**own[name])
        return cls(**own)


def given(cost: Cost, joules: float) -> Cost:
    """The same work with the joules that a person read from a meter, at the plug for instance.

    They count as measured and replace what the program found, which `note` keeps. Raises UsageError for what is not a
    positive number.
    """
    try:
        value = float(joules)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 < value < math.inf:
        raise UsageError(f"{joules} J is not what a meter shows", fix="Give the joules of the training, such as 5400")
    found = f"the program itself found {cost.joules.value:.4g} J ({cost.kind}; {cost.source})"
    note = cost.note if cost.source == METER else both(found, cost.note)
    return replace(cost, joules=exactly(value), source=METER, kind="measured", note=note)


def with_joules(training: Mapping[str, Any], joules: float) -> dict[str, Any]:
    """What training.json holds, with the joules given by the user in the place of those found.

    Raises UsageError for what is not a positive number, RunError when the training was not metered.
    """
    try:
        cost = Cost.from_json(training)
    except (KeyError, TypeError):
        what = "what this training cost was not recorded, so joules cannot be given for it"
        raise RunError(what, fix="Train again; every new run records it") from None
    return {**training, **given(cost, joules).to_json()}


def spread(value: float, factors: tuple[float, float]) -> Estimate:
    """An estimate from a model that may be off by `factors` either way."""
    return Estimate(value, value * factors[0], value * factors[1], n=1, interval="model uncertainty")


def exactly(value: float) -> Estimate:
    """One reading of a counter."""
    return Estimate(value, n=1)


def total(a: Estimate, b: Estimate) -> Estimate:
    """The sum; a model's error has the same sign in both, so the ends of the intervals add up."""
    value, n = a.value + b.value, a.n + b.n
    if a.low is None and b.low is None:
        return Estimate(value, n=n)
    low = (a.value if a.low is None else a.low) + (b.value if b.low is None else b.low)
    high = (a.value if a.high is None else a.high) + (b.value if b.high is None else b.high)
    return Estimate(value, low, high, n=n, interval="model uncertainty")


def both(a: str, b: str) -> str:
    """The distinct phrases of both, so that a hundred sessions still read as one."""
    return " + ".join(dict.fromkeys(part for part in (*a.split(" + "), *b.split(" + ")) if part))
