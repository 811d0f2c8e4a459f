"""The energy counters that the hardware itself keeps, read in joules: RAPL for processors, NVML for NVIDIA cards.

RAPL lies in the Linux powercap tree (kernel documentation, power/powercap): one zone a socket, with sub-zones. A
counter is microjoules since some moment, and starts again at zero after `max_energy_range_uj`; at full load that takes
minutes, so a thread must look at it more often. It counts the whole socket, other programs' work included.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")
UNLOCK = f"sudo chmod a+r {POWERCAP}/intel-rapl*/energy_uj"
"""Lets every user read the counters until the next start of the machine."""
MOST_WATTS = 1000.0  # more than any socket draws; sets how often a counter must be read


class Unreadable(Exception):
    """There is no counter to read; the message says why."""


class Forbidden(Unreadable):
    """There is a counter that only the administrator may read, as it has been since 2020 (CVE-2020-8694)."""


@dataclass(frozen=True)
class Zone:
    """One RAPL counter: a folder of the tree, what it counts ("package", "dram"), and where it starts again in J."""

    path: Path
    part: str
    wraps_at: float

    def joules(self) -> float:
        """The counter now. Raises OSError or ValueError."""
        return int((self.path / "energy_uj").read_text()) / 1e6


def zones(root: Path = POWERCAP) -> list[Zone]:
    """The zones that add up to processors and memory, each joule once. Raises Unreadable saying why there are none.

    Sockets are intel-rapl:0, :1 …; of their sub-zones only dram adds to them: core and uncore are parts of the socket,
    psys is the whole board. intel-rapl-mmio shows the same counters a second time. All these are left out.
    """
    if not root.is_dir():
        return _none(f"no energy counters: there is no {root}")
    found = {path.name: path for pattern in ("intel-rapl:*", "*/intel-rapl:*") for path in sorted(root.glob(pattern))}
    chosen = []
    for path in found.values():
        try:
            name = (path / "name").read_text().strip()
            part = "dram" if name == "dram" else "package" if name.startswith("package") else ""
            if part:
                zone = Zone(path, part, int((path / "max_energy_range_uj").read_text()) / 1e6)
                zone.joules()
                chosen.append(zone)
        except PermissionError:
            why = "permission denied (it is the administrator's)"
            raise Forbidden(f"powercap present but not readable: {why} at {path.name}") from None
        except (OSError, ValueError) as error:
            return _none(f"powercap present but not readable: {error} at {path.name}")
    if not any(zone.part == "package" for zone in chosen):
        return _none("powercap present but without a processor's counter")
    return chosen


class Rapl:
    """Joules of every zone since it was made; `poll` more often than a counter can wrap, or let `watching` do it."""

    def __init__(self, zones: list[Zone]) -> None:
        self.zones = zones
        self.spent = dict.fromkeys((zone.part for zone in zones), 0.0)
        self._last = [zone.joules() for zone in zones]
        self._lock = threading.Lock()

    def poll(self) -> dict[str, float]:
        """Joules so far by part ("package", "dram"). Raises OSError if a counter has gone."""
        with self._lock:
            for i, zone in enumerate(self.zones):
                now = zone.joules()
                step = now - self._last[i]
                self.spent[zone.part] += step if step >= 0 else step + zone.wraps_at
                self._last[i] = now
            return dict(self.spent)

    @contextlib.contextmanager
    def watching(self, every: float | None = None) -> Iterator[None]:
        """Poll in a thread of its own, by default twice in the shortest time in which a counter can wrap."""
        shortest = min(zone.wraps_at for zone in self.zones) / MOST_WATTS
        pause, stop = every or min(5.0, shortest / 2), threading.Event()

        def watch() -> None:
            while not stop.wait(pause):
                with contextlib.suppress(OSError, ValueError):
                    self.poll()

        thread = threading.Thread(target=watch, name="energy counters", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def cards() -> Callable[[], float]:
    """A function giving the joules that all NVIDIA cards have used since their drivers started. Raises Unreadable.

    Needs the optional package nvidia-ml-py. Cards older than Volta keep no counter.
    """
    try:
        import pynvml
    except ImportError:
        return _none("the NVIDIA library is not installed (extra: gpu)")
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]

        def joules() -> float:
            return sum(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) for handle in handles) / 1e3  # from mJ

        joules()
    except pynvml.NVMLError as error:
        return _none(f"the NVIDIA library gives no energy: {error}")
    return joules if handles else _none("no NVIDIA card")


def _none(reason: str) -> Any:
    raise Unreadable(reason)
