"""What passes through each layer of a model, forward and back, read by hooks and kept as a few numbers a layer.

A *layer* is a module that computes: it has no children or has weights of its own, and it is not one that merely passes
on or reshapes (Identity, Dropout, Flatten). A *unit* is a channel of a map or a feature of a vector: what one row of a
weight matrix makes. Nothing is stored but sums and the range of each unit, so a large net costs no more memory.

Legend of shapes: B rows, N values of one unit (rows × positions), U units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch.utils.hooks import RemovableHandle

PASSIVE = (nn.Identity, nn.Flatten, nn.Unflatten, nn.modules.dropout._DropoutNd)
"""They only pass on, reshape, or take away at random: their numbers are those of the layer before."""
CHANNELS_FIRST = (
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._NormBase,
    nn.GroupNorm,
    nn.modules.pooling._MaxPoolNd,
    nn.modules.pooling._AvgPoolNd,
    nn.modules.pooling._AdaptiveMaxPoolNd,
    nn.modules.pooling._AdaptiveAvgPoolNd,
)
"""Their units are along axis 1, also where the output has three axes."""
UNITS_LAST = (nn.Linear, nn.LayerNorm, nn.Embedding, nn.RNNBase, nn.MultiheadAttention)
BOUNDED: Mapping[type[nn.Module], tuple[float, float]] = {
    nn.Sigmoid: (0.0, 1.0),
    nn.Hardsigmoid: (0.0, 1.0),
    nn.Tanh: (-1.0, 1.0),
    nn.Softsign: (-1.0, 1.0),
    nn.LSTM: (-1.0, 1.0),
    nn.GRU: (-1.0, 1.0),
}
"""Layers whose output has two ends where the gradient is nearly 0, and these ends."""
NEAR_AN_END = 0.01
"""Share of the range that counts as its end; at 1 % a sigmoid passes on less than a twentieth of its steepest slope."""
STILL = 1e-6
"""An activation is dead for a unit whose output moves by less than this share of what its input does."""


@dataclass(eq=False)
class Tally:
    """What was seen of one layer, over all calls of it. Sums over values; ranges [U] over rows and positions."""

    name: str
    module: nn.Module
    calls: int = 0
    shape: tuple[int, ...] = ()
    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    zeros: int = 0
    ends: int = 0
    bounded: bool = False
    lowest: Tensor | None = None  # [U]
    highest: Tensor | None = None  # [U]
    came: Tensor | None = None  # [U] range of the input of an elementwise layer
    reached: Tensor | None = None  # [U] whether any gradient came back
    gradient_count: int = 0
    gradient_squares: float = 0.0
    followed: bool = False  # by a layer without weights, which judges the units itself
    not_finite: bool = False  # an output that is not finite
    gradient_not_finite: bool = False
    _range: Tensor | None = field(default=None, repr=False)

    def before(self, x: Any, axis: int) -> None:
        """Note the range of the input, before a layer that works in place writes over it."""
        self._range = None
        if isinstance(x, Tensor) and x.is_floating_point() and x.ndim > 1:
            low, high = _extremes(x.detach(), axis)
            self._range = high - low

    def forward(self, y: Tensor, like: bool, axis: int) -> None:
        """Note an output; `like` says that it has the shape of the input."""
        values = y.detach().float()
        self.calls += 1
        self.shape = self.shape or tuple(y.shape)
        self.count += values.numel()
        self.total += float(values.sum(dtype=torch.float64))
        self.squares += float(values.double().square().sum())
        self.zeros += int((values == 0).sum())
        self.not_finite |= not bool(values.isfinite().all())
        if bounds := ends(self.module):
            self.bounded = True
            margin = NEAR_AN_END * (bounds[1] - bounds[0])
            self.ends += int(((values < bounds[0] + margin) | (values > bounds[1] - margin)).sum())
        low, high = _extremes(values, axis)
        self.lowest, self.highest = _merged(self.lowest, low, torch.minimum), _merged(self.highest, high, torch.maximum)
        if like and self._range is not None:
            self.came = _merged(self.came, self._range, torch.maximum)

    def backward(self, gradient: Tensor, axis: int) -> None:
        """Note the gradient of the loss at an output."""
        values = gradient.detach().float()
        self.gradient_count += values.numel()
        self.gradient_squares += float(values.double().square().sum())
        self.gradient_not_finite |= not bool(values.isfinite().all())
        self.reached = _merged(self.reached, _rows(values != 0, axis).any(0), torch.logical_or)

    def dead(self) -> int | None:
        """How many units give nothing that could be learnt from; None where no output was seen.

        For a layer without weights: units that are 0 everywhere, or that stand still while their input moves. For one
        with weights: units that no gradient reaches and that are constant, or negative everywhere and so cut off by a
        ReLU that is called as a function. A constant unit that a gradient reaches is only waiting: a gain that starts
        at 0 is one (arXiv 1706.02677).
        """
        if self.lowest is None or self.highest is None:
            return None
        moved = self.highest - self.lowest
        if not own(self.module):
            silent = (self.lowest == 0) & (self.highest == 0)
            if self.came is not None and self.came.shape == moved.shape:
                silent |= (self.came > 0) & (moved <= STILL * self.came)
            return int(silent.sum())
        if self.followed or self.reached is None or self.reached.shape != moved.shape:
            return 0
        return int((((moved == 0) | (self.highest <= 0)) & ~self.reached).sum())


def ends(module: nn.Module) -> tuple[float, float] | None:
    """Between which values the outputs of a bounded layer lie, or None."""
    if isinstance(module, nn.Hardtanh):
        return None if isinstance(module, nn.ReLU6) else (module.min_val, module.max_val)
    if isinstance(module, nn.RNN):
        return (-1.0, 1.0) if module.nonlinearity == "tanh" else None
    return next((bounds for kind, bounds in BOUNDED.items() if isinstance(module, kind)), None)


def own(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that belong to a module itself, also those that a parametrization (weight norm) stands for."""
    return {
        name: parameter
        for name, parameter in module.named_parameters()
        if "." not in name or name.startswith("parametrizations.")
    }


def weights(module: nn.Module) -> list[nn.Parameter]:
    """What an update is compared with: matrices and kernels; the gain of a normalisation; never a bias.

    A bias starts at 0, so that no step is small beside it.
    """
    found = own(module)
    large = [parameter for parameter in found.values() if parameter.ndim > 1]
    return large or [parameter for name, parameter in found.items() if "bias" not in name]


def layers(model: nn.Module) -> dict[str, nn.Module]:
    """The layers of a model by name, each module once."""
    found: dict[str, nn.Module] = {}
    for name, module in model.named_modules():
        if ".parametrizations" in f".{name}" or isinstance(module, PASSIVE):
            continue
        plain = not any(not child.startswith("parametrizations") for child, _ in module.named_children())
        if plain or own(module):
            found[name or type(module).__name__] = module
    return found


@contextmanager
def watched(model: nn.Module) -> Iterator[list[Tally]]:
    """Hooks on every layer while the context lasts; gives the tallies, in the order in which layers first answer."""
    tallies: list[Tally] = []
    handles: list[RemovableHandle] = []
    for name, module in layers(model).items():
        tally = Tally(name, module)
        handles.append(module.register_forward_hook(_leaving(tally, tallies)))
        if not own(module):
            handles.append(module.register_forward_pre_hook(_entering(tally)))
    try:
        yield tallies
    finally:
        for handle in handles:
            handle.remove()


def tensor(output: Any) -> Tensor | None:
    """The first floating tensor in what a module gave: LSTMs give tuples, some nets dictionaries."""
    if isinstance(output, Tensor):
        return output if output.is_floating_point() else None
    if isinstance(output, PackedSequence):
        return output.data
    if isinstance(output, Mapping):
        output = list(output.values())
    if isinstance(output, tuple | list):
        return next((found for item in output if (found := tensor(item)) is not None), None)
    return None


def _entering(tally: Tally) -> Any:
    def hook(module: nn.Module, args: tuple[Any, ...]) -> None:
        x = args[0] if args else None
        tally.before(x, _axis(module, x))

    return hook


def _leaving(tally: Tally, tallies: list[Tally]) -> Any:
    def hook(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        y = tensor(output)
        if y is None or not y.numel():
            return
        if tally not in tallies:
            tallies.append(tally)
        x = args[0] if args else None
        like = isinstance(x, Tensor) and x.shape == y.shape
        axis = _axis(module, x if like else y)
        tally.forward(y, like, axis)
        if not own(module) and isinstance(x, Tensor) and (maker := getattr(x, "tally", None)) is not None:
            maker.followed = True
        y.units, y.tally = axis, tally  # type: ignore[attr-defined]  # for the layer that follows
        if y.requires_grad:
            y.register_hook(lambda gradient: tally.backward(gradient, axis))

    return hook


def _axis(module: nn.Module, values: Any) -> int:
    """Along which axis the units lie: as the kind of module says, else as in the layer that made `values`."""
    if isinstance(module, CHANNELS_FIRST):
        return 1
    if isinstance(module, UNITS_LAST):
        return -1
    known = getattr(values, "units", None)
    if known is not None:
        return known
    return 1 if isinstance(values, Tensor) and values.ndim >= 4 else -1


def _rows(values: Tensor, axis: int) -> Tensor:
    """[N, U]."""
    if values.ndim < 2:
        return values.reshape(-1, 1)
    return values.movedim(axis if values.ndim > 1 else -1, -1).reshape(-1, values.shape[axis])


def _extremes(values: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    low, high = _rows(values, axis).aminmax(dim=0)
    return low.float(), high.float()


def _merged(old: Tensor | None, new: Tensor, how: Any) -> Tensor:
    """Several calls are one layer; calls with other numbers of units (a pooling at several places) start over."""
    return new if old is None or old.shape != new.shape else how(old, new)
