"""What this machine really draws: three fixed loads under the processor's counter, kept for when it cannot be read.

    calibrate()      → Calibration: idle watts, watts of a busy core, and how far off the estimate would have been

The counters are the administrator's on most systems, so a machine is calibrated once, while they may be read; later
estimates use its watts, measurements can be told net of its idle draw, and both cite it. Do it while nothing else runs:
the counter sees the whole machine.

Tested against a tree of counters made by hand; nobody has validated it on hardware yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sounding.errors import RunError, UsageError
from sounding.files import write_json
from sounding.machine.metering.cost import Cost
from sounding.machine.metering.meter import Meter
from sounding.machine.metering.powercap import POWERCAP, UNLOCK, Forbidden, Unreadable, zones
from sounding.machine.metering.watts import Calibration, calibration_file, processor_name, rate

SECONDS = 10.0
"""For each load: long enough for the counter, short enough that nobody minds."""


def calibrate(seconds: float = SECONDS, root: Path = POWERCAP, keep: bool = True) -> Calibration:
    """Idle, matrix products and convolutions, `seconds` each under the counter at `root`; kept for later runs.

    Raises UsageError where there is no counter to read, RunError when the result cannot be kept.
    """
    try:
        zones(root)
    except Unreadable as reason:
        fix = UNLOCK if isinstance(reason, Forbidden) else "Calibrate on the machine itself, not in a virtual one"
        raise UsageError(f"this machine cannot be calibrated: {reason}", fix=fix) from None
    costs = {name: _load(work, seconds, root) for name, work in _loads().items()}
    found = _found(costs)
    if keep:
        _keep(found)
    return found


def _found(costs: Mapping[str, Cost]) -> Calibration:
    usual = rate(calibrated=False)
    busy = {name: cost for name, cost in costs.items() if name != "idle"}
    watts = sum(cost.joules.value for cost in busy.values()) / sum(cost.cpu_seconds for cost in busy.values())
    errors = {name: cost.joules.value / (cost.cpu_seconds * usual.watts) for name, cost in busy.items()}
    idle = costs["idle"].joules.value / costs["idle"].seconds
    if watts <= 0:
        raise UsageError("this machine cannot be calibrated: its energy counter stands still", fix="Try again later")
    date = datetime.now(UTC).date().isoformat()
    return Calibration(processor_name(), date, idle, watts, errors, usual.words)


def _load(work: Callable[[], Any], seconds: float, root: Path) -> Cost:
    """The cost of doing `work` again and again for `seconds`, once warm."""
    work()
    with Meter(root) as meter:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            work()
    if meter.cost.kind != "measured":
        raise UsageError(f"this machine cannot be calibrated: {meter.cost.note}", fix="Try again")
    return meter.cost


def _loads() -> dict[str, Callable[[], Any]]:
    """Nothing, products of matrices, and convolutions, on as many threads as torch uses."""
    import torch

    matrix, pictures, kernels = torch.ones(512, 512), torch.ones(16, 32, 32, 32), torch.ones(64, 32, 3, 3)
    return {
        "idle": lambda: time.sleep(0.05),
        "matmul": lambda: matrix @ matrix,
        "conv": lambda: torch.nn.functional.conv2d(pictures, kernels, padding=1),
    }


def _keep(found: Calibration) -> None:
    try:
        write_json(calibration_file(), found.to_json())
    except RunError as error:
        fix = "Name a folder that can be written in the variable XDG_CACHE_HOME"
        raise RunError(error.what, where=str(calibration_file()), fix=fix) from None
