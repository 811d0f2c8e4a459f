"""What some work cost: seconds, CPU-seconds, joules and memory, said to be measured or estimated.

    with Meter() as meter:
        ...
    meter.cost       → Cost; it may also be read while the work goes on

Joules come from the first source that works: the processor's own counter (RAPL), else CPU-seconds times watts, with
the watts that the user gave (SOUNDING_WATTS_PER_CORE) or a usual figure for servers. A graphics card's counter is added
where CUDA is in use. The estimate is linear in CPU-seconds, so work that sleeps costs about nothing whatever else the
machine does. Such estimates are good to a factor of two at full load and worse below; their interval says so and is no
confidence interval.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from sounding.engine.evidence import Estimate, Kind
from sounding.engine.powercap import POWERCAP, Rapl, Unreadable, cards, zones
from sounding.errors import UsageError

try:
    import resource
except ImportError:  # Windows: CPU-seconds of this process only, no peak memory
    resource = None  # type: ignore[assignment]

VARIABLE = "SOUNDING_WATTS_PER_CORE"
WATTS = 3.5  # W per busy vCPU, its share of the idle machine included: Cloud Carbon Footprint, from SPECpower
WATTS_PER_GB = 0.392  # W per GB of memory, same source
UNKNOWN = (0.33, 3.0)  # how far off an estimate for an unknown processor may be
GIVEN = (0.5, 2.0)  # and with watts that the user gave for this one


@dataclass(frozen=True)
class Cost:
    """What some work cost. Costs add up: a training that was resumed cost the sum of its sittings.

    `joules` is processor and graphics card; `memory_joules` stands beside it and is not in it. `kind` is "measured"
    only if all of `joules` came from a meter; `source` names the meter or rule, `note` why a better one was not used.
    `peak_rss_mb` [MB] is the most memory this process has held since it began, 0 where the system does not say.
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
            joules=_sum(self.joules, other.joules),
            source=_both(self.source, other.source),
            kind="measured" if measured else "estimated",
            peak_rss_mb=max(self.peak_rss_mb, other.peak_rss_mb),
            memory_joules=_sum(self.memory_joules, other.memory_joules),
            memory_source=_both(self.memory_source, other.memory_source),
            note=_both(self.note, other.note),
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


class Meter:
    """A context that measures the process (and children that it waited for) between entry and exit.

    `root` is the powercap tree. `watts_per_core` is used where there is no counter, else the environment variable
    SOUNDING_WATTS_PER_CORE, else 3.5. Raises UsageError when the variable is not a positive number.
    """

    def __init__(self, root: Path = POWERCAP, watts_per_core: float | None = None) -> None:
        self._given = watts_per_core if watts_per_core is not None else given_watts()
        self._root = root
        self._open = contextlib.ExitStack()
        self._cost: Cost | None = None

    def __enter__(self) -> Meter:
        self._cost, self._note, self._rapl = None, "", None
        try:
            self._rapl = Rapl(zones(self._root))
            self._open.enter_context(self._rapl.watching())
        except Unreadable as reason:
            self._note = str(reason)
        self._cards = _cards_in_use()
        self._cards_start = self._cards() if self._cards else 0.0
        self._start, self._cpu_start = time.perf_counter(), cpu_seconds()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._cost = self._now()
        self._open.close()

    @property
    def cost(self) -> Cost:
        """The cost from entry until exit, or until now."""
        return self._cost or self._now()

    def _now(self) -> Cost:
        seconds, cpu = time.perf_counter() - self._start, cpu_seconds() - self._cpu_start
        joules, source, kind, memory = self._processor(cpu)
        if self._cards:
            joules, source = _sum(joules, exactly(self._cards() - self._cards_start)), _both(source, "nvml")
        held, peak = memory_mb()
        memory_source = "rapl"
        if memory is None:
            memory = spread(WATTS_PER_GB * held / 1000 * seconds, UNKNOWN)
            memory_source = f"estimate: {WATTS_PER_GB} W per GB of memory"
        return Cost(seconds, cpu, joules, source, kind, peak, memory, memory_source, self._note)

    def _processor(self, cpu: float) -> tuple[Estimate, str, Kind, Estimate | None]:
        """Joules, their source and kind, and those of the memory where a counter tells them."""
        if self._rapl:
            with contextlib.suppress(OSError, ValueError):
                self._rapl.poll()
            spent = self._rapl.spent
            return exactly(spent["package"]), "rapl", "measured", exactly(spent["dram"]) if "dram" in spent else None
        if self._given is not None:
            words = f"estimate: {self._given:g} W per CPU-second, as given"
            return spread(cpu * self._given, GIVEN), words, "estimated", None
        return spread(cpu * WATTS, UNKNOWN), f"estimate: {WATTS:g} W per CPU-second", "estimated", None


def given_watts() -> float | None:
    """The user's watts for one busy core, from the environment. Raises UsageError for what is not a positive number."""
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    with contextlib.suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    raise UsageError(f"{VARIABLE}={text} is not a positive number", fix="Give watts for one busy core, such as 5.2")


def spread(value: float, factors: tuple[float, float]) -> Estimate:
    """An estimate from a model that may be off by `factors` either way."""
    return Estimate(value, value * factors[0], value * factors[1], n=1, interval="model uncertainty")


def exactly(value: float) -> Estimate:
    """One reading of a counter."""
    return Estimate(value, n=1)


def cpu_seconds() -> float:
    """CPU time, user and system, of this process's threads and of the children that it waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN) if resource else None
    return time.process_time() + (children.ru_utime + children.ru_stime if children else 0.0)


def memory_mb() -> tuple[float, float]:
    """MB that this process holds now, and the most it has held; zeros where the system does not say."""
    # A child begins with its parent's ru_maxrss, so the status file is the better witness where there is one.
    with contextlib.suppress(OSError, KeyError):
        lines = Path("/proc/self/status").read_text().splitlines()
        held = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS", "VmHWM")))
        return tuple(int(held[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]
    if resource is None:
        return 0.0, 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    return peak, peak


def _cards_in_use() -> Any:
    """The joule counter of the graphics cards when torch computes on them, else None."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    try:
        return cards()
    except Unreadable:
        return None


def _sum(a: Estimate, b: Estimate) -> Estimate:
    """The sum; a model's error has the same sign in both, so the ends of the intervals add up."""
    value, n = a.value + b.value, a.n + b.n
    if a.low is None and b.low is None:
        return Estimate(value, n=n)
    low = (a.value if a.low is None else a.low) + (b.value if b.low is None else b.low)
    high = (a.value if a.high is None else a.high) + (b.value if b.high is None else b.high)
    return Estimate(value, low, high, n=n, interval="model uncertainty")


def _both(a: str, b: str) -> str:
    """The distinct phrases of both, so that a hundred sittings still read as one."""
    return " + ".join(dict.fromkeys(part for part in (*a.split(" + "), *b.split(" + ")) if part))
