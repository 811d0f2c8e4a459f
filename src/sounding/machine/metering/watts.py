"""How many watts a second of processor time stands for, where no counter can be read.

The first that there is: the user's own figure, the share of a known processor's thermal design power, a usual figure
for servers. Each charges a busy core with its part of the idle machine.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
from dataclasses import dataclass

from sounding.errors import UsageError
from sounding.machine import setting as machine
from sounding.machine.metering.processors import thermal

VARIABLE = "SOUNDING_WATTS_PER_CORE"
WATTS = 3.5  # W per busy vCPU, its share of the idle machine included: Cloud Carbon Footprint, from SPECpower
WATTS_PER_GB = 0.392  # W per GB of memory, same source
FULL = 0.77  # share of its TDP that a package draws at 80 to 100 % load: median of 21 public RAPL logs, 0.51 to 1.16
UNKNOWN = (0.33, 3.0)  # how far off an estimate for an unknown processor may be
GIVEN = (0.5, 2.0)  # and for one whose watts are known


@dataclass(frozen=True)
class Rate:
    """W for one CPU-second, the factors by which that may be off, and where it is from."""

    watts: float
    factors: tuple[float, float]
    words: str


def rate(given: float | None = None) -> Rate:
    """The watts to count with: `given`, else the environment's, else a known processor's or the usual.

    Raises UsageError when the environment variable is not a positive number.
    """
    watts = given if given is not None else given_watts()
    if watts is not None:
        return Rate(watts, GIVEN, f"{watts:g} W per CPU-second, as given")
    if (figures := thermal(processor_name())) is not None:
        watts = FULL * figures[0] / figures[1]
        share = f"{FULL} of {figures[0]} W over {figures[1]} cores"
        return Rate(watts, GIVEN, f"{watts:.3g} W per CPU-second, {share}")
    return Rate(WATTS, UNKNOWN, f"{WATTS:g} W per CPU-second")


def given_watts() -> float | None:
    """The user's watts for one busy core, from the environment. Raises UsageError for what is not a positive number."""
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    with contextlib.suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise UsageError(f"{VARIABLE}={text} is not a positive number", fix="Give watts for one busy core, such as 5.2")


@functools.cache
def processor_name() -> str:
    """What the system calls the processor."""
    return machine.processor()[0]
