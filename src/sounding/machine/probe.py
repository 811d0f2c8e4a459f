"""Which precision and which memory layout are fast on this processor: a timing of well under a second.

Half precision (bf16) trains 3 to 5 times faster where the processor multiplies it in hardware (AMX) and up to a hundred
times slower where it does not, and the names that processors give themselves do not tell which. So we time one linear
layer and one 3×3 convolution, forward and backward, in both precisions, and the convolution in both memory layouts. A
pooling follows it, as in most nets: it is what the wrong layout makes slow where convolutions take either.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sounding.randomness import generator

Work = Callable[[], Tensor]

REPEATS = 10
HOPELESS = 3.0  # bf16 this many times slower on a small layer: stop timing it
WORTHWHILE = 1.3  # bf16 must be this many times faster on both layers to be chosen
LAYOUT = 0.95  # channels_last is the habit; it is left only where it is clearly slower, so that noise does not decide
DEADLINE = 0.6  # seconds after which no new repetition starts


@dataclass(frozen=True)
class Probe:
    """What was timed. Speeds are ratios: above 1, bf16 (or channels_last) is the faster.

    `linear` and `conv` are bf16's speed over fp32's (None where timing it was stopped as hopeless: `reason` says so);
    `fp32_layout` and `bf16_layout` are channels_last's speed over contiguous on the convolution; `seconds` is the cost.
    """

    linear: float | None = None
    conv: float | None = None
    fp32_layout: float | None = None
    bf16_layout: float | None = None
    seconds: float = 0.0
    reason: str = ""

    @property
    def precision(self) -> str:
        """bf16 only where both layers gain clearly; a tie goes to fp32, which has no surprises."""
        gains = (self.linear or 0.0) > WORTHWHILE and (self.conv or 0.0) > WORTHWHILE
        return "bf16" if gains else "fp32"

    def channels_last(self, precision: str) -> bool:
        """Whether a convolution in `precision` should have its channels last."""
        gain = self.bf16_layout if precision == "bf16" else self.fp32_layout
        return gain is None or gain > LAYOUT

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Probe:
        """The probe that gave `values`. Raises TypeError for anything else."""
        return cls(**values)


def measure(deadline: float = DEADLINE) -> Probe:
    """Time the layers, on one thread: a neighbour on another core then changes little, and the ratio is the core's own.

    Draws nothing from torch's global generator, and puts the number of threads back.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _timed(deadline)
    finally:
        torch.set_num_threads(threads)


def _timed(deadline: float) -> Probe:
    start = time.perf_counter()
    end = start + deadline
    reason = _hopeless()
    precisions = ("fp32",) if reason else ("fp32", "bf16")
    linear = _race({(p, "linear"): _linear(512, 256, 1024) for p in precisions}, end)
    works = {"contiguous": _conv(8, 64, 16, False), "channels_last": _conv(8, 64, 16, True)}
    conv = _race({(p, name): work for name, work in works.items() for p in precisions}, end + deadline / 2)
    best = {p: min(conv[p, name] for name in works) for p in precisions}
    layout = {p: conv[p, "contiguous"] / conv[p, "channels_last"] for p in precisions}
    return Probe(
        linear=None if reason else linear["fp32", "linear"] / linear["bf16", "linear"],
        conv=None if reason else best["fp32"] / best["bf16"],
        fp32_layout=layout["fp32"],
        bf16_layout=layout.get("bf16"),
        seconds=time.perf_counter() - start,
        reason=reason,
    )


def _hopeless() -> str:
    """Why bf16 needs no timing, from two layers so small that even its slow path takes milliseconds; "" if it does."""
    for name, work in {"linear": _linear(128, 256, 256), "conv": _conv(2, 16, 16, True)}.items():
        try:
            times = _race({("fp32", name): work, ("bf16", name): work}, end=0.0, least=REPEATS)
        except RuntimeError as error:  # a build without bf16 kernels
            return f"bf16 does not run here: {error}"
        slower = times["bf16", name] / times["fp32", name]
        if slower > HOPELESS:
            return f"bf16 is {slower:.0f} times slower on a small {name} layer"
    return ""


def _race(works: Mapping[tuple[str, str], Work], end: float, least: int = 2) -> dict[tuple[str, str], float]:
    """The best seconds of each work, keyed (precision, name), taking turns so that a noisy moment hits all alike.

    The first round warms up (it compiles kernels) and does not count; `least` rounds are always run. One round alone is
    no measurement: what interrupts it looks like a slow processor, and the result is remembered.
    """
    rounds: list[dict[tuple[str, str], float]] = []
    while len(rounds) < least or (len(rounds) <= REPEATS and time.perf_counter() < end):
        rounds.append({key: _seconds(work, key[0]) for key, work in works.items()})
    return {key: min(r[key] for r in rounds[1:]) for key in works}


def _seconds(work: Work, precision: str) -> float:
    start = time.perf_counter()
    with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        work().float().sum().backward()
    return time.perf_counter() - start


def _linear(rows: int, width: int, out: int) -> Work:
    x, weight = _values(rows, width), _values(out, width)
    return lambda: functional.linear(x, weight)


def _conv(images: int, channels: int, side: int, last: bool) -> Work:
    memory = torch.channels_last if last else torch.contiguous_format
    x, weight = _values(images, channels, side, side, memory=memory), _values(channels, channels, 3, 3, memory=memory)
    return lambda: functional.max_pool2d(functional.relu(functional.conv2d(x, weight, padding=1)), 2)


def _values(*shape: int, memory: torch.memory_format = torch.contiguous_format) -> Tensor:
    values = torch.rand(shape, generator=generator("probe", *shape)) - 0.5
    return values.contiguous(memory_format=memory).requires_grad_()
