"""A meter for some work: seconds, CPU-seconds, joules and memory, from entry to exit.

    with Meter() as meter:
        ...
    meter.cost       → Cost; it may also be read while the work goes on

Joules come from the first source that works: the processor's own counter (RAPL), with that of the graphics cards (NVML)
where CUDA is in use, else CPU-seconds times watts (`watts.py` says whose). What a person read from a meter of their own
is put in its place by `cost.given`. The estimate is linear in CPU-seconds, so work that sleeps costs about nothing
whatever else the machine does. Such estimates are good to a factor of two at full load and worse below; their interval
says so and is no confidence interval.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from sounding.contract.evidence import Estimate, Kind
from sounding.machine.metering.cost import Cost, both, exactly, given, spread, total, with_joules
from sounding.machine.metering.powercap import POWERCAP, Rapl, Unreadable, cards, zones
from sounding.machine.metering.watts import GIVEN, UNKNOWN, VARIABLE, WATTS, WATTS_PER_GB, given_watts, rate

try:
    import resource
except ImportError:  # Windows: CPU-seconds of this process only, no peak memory
    resource = None  # type: ignore[assignment]

__all__ = [
    "GIVEN",
    "UNKNOWN",
    "VARIABLE",
    "WATTS",
    "Cost",
    "Meter",
    "cpu_seconds",
    "exactly",
    "given",
    "given_watts",
    "memory_mb",
    "spread",
    "with_joules",
]


class Meter:
    """A context that measures the process (and children that it waited for) between entry and exit.

    `root` is the powercap tree. Where it cannot be read, `watts_per_core` is used, else what `watts.rate` says. Raises
    UsageError when the environment's watts are not a positive number.
    """

    def __init__(self, root: Path = POWERCAP, watts_per_core: float | None = None) -> None:
        self._rate = rate(watts_per_core)
        self._root = root
        self._open = contextlib.ExitStack()
        self._cost: Cost | None = None

    def __enter__(self) -> Meter:
        self._cost, self._note, self._rapl = None, "", None
        self._uncounted = False  # whether graphics cards are in use that no counter tells of
        try:
            self._rapl = Rapl(zones(self._root))
            self._open.enter_context(self._rapl.watching())
        except Unreadable as reason:
            self._note = str(reason)
        self._cards = self._cards_in_use()
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
        on_cards = self._on_cards()
        joules, source, kind, memory, note = self._processor(cpu)
        if on_cards is not None:
            joules, source = total(joules, on_cards), both(source, "nvml")
        elif self._uncounted:
            kind, source = "estimated", f"{source}, without the graphics card"
        held, peak = memory_mb()
        memory_source = "rapl"
        if memory is None:
            memory = spread(WATTS_PER_GB * held / 1000 * seconds, UNKNOWN)
            memory_source = f"estimate: {WATTS_PER_GB} W per GB of memory"
        return Cost(seconds, cpu, joules, source, kind, peak, memory, memory_source, note)

    def _on_cards(self) -> Estimate | None:
        """Joules of the graphics cards; None where they are not counted."""
        if self._cards is None:
            return None
        try:
            return exactly(self._cards() - self._cards_start)
        except Exception as error:  # NVML has errors of its own, and none of them may cost a training
            self._without_cards(error)
            return None

    def _cards_in_use(self) -> Callable[[], float] | None:
        """The joule counter of the graphics cards; None where there is none, or torch does not use them."""
        torch = sys.modules.get("torch")
        if torch is None or not torch.cuda.is_available():
            return None
        try:
            return cards()
        except Unreadable as reason:
            if torch.cuda.is_initialized():
                self._without_cards(reason)
            return None

    def _without_cards(self, reason: Exception) -> None:
        self._cards, self._uncounted = None, True
        self._note = both(self._note, f"what the graphics card used is not in it: {reason}")

    def _processor(self, cpu: float) -> tuple[Estimate, str, Kind, Estimate | None, str]:
        """Joules, their source and kind, those of the memory where a counter tells them, and a note."""
        note = self._note
        if self._rapl:
            try:
                spent = self._rapl.poll()
                memory = exactly(spent["dram"]) if "dram" in spent else None
                return exactly(spent["package"]), "rapl", "measured", memory, note
            except (OSError, ValueError) as error:  # half of a measurement is none
                note = both(note, f"the energy counter could be read at first and then no more: {error}")
        return (
            spread(cpu * self._rate.watts, self._rate.factors),
            f"estimate: {self._rate.words}",
            "estimated",
            None,
            note,
        )


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
