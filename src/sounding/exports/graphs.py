"""A network written down for other programs: ONNX and OpenVINO from a graph that torch.export traced, or that itself.

Normalisations are folded into convolutions first. Every axis that an input calls by a word (batch, tokens) stays free.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from sounding.architectures.folding import folded
from sounding.contract.inputs import Portable
from sounding.contract.task import Task
from sounding.contract.tree import leaves
from sounding.errors import UsageError

EXTRA, OPENVINO = 'pip install "sounding[export]"', 'pip install "sounding[openvino]"'
FILES = {"onnx": "model.onnx", "openvino": "model.xml", "torch": "model.pt2"}
"""The file of each format that names the network."""
Axes = tuple[str | int, ...]
OPSET = 18
"""Of ONNX, where one has to be named."""
EXAMPLES = 4
"""Inputs that a trace is made with: an axis of length 1 would be taken for one that is always so."""


class Flat(nn.Module):
    """A network that is given the tensors of an encoded input one by one, and gives those of its output so."""

    def __init__(self, network: nn.Module, like: Any, outputs: Callable[[nn.Module, Any], Any]) -> None:
        super().__init__()
        self.network, self._like, self._outputs = network, like, outputs

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The outputs, in the order of `tree.leaves`."""
        like = self._like
        found = self._outputs(self.network, tensors[0] if isinstance(like, Tensor) else type(like)(*tensors))
        return tuple(leaves(found))


@dataclass(frozen=True)
class Network:
    """A forward pass to be written down, with `arguments` to follow it by; `inputs` and `outputs` are axes by name."""

    module: Flat
    arguments: tuple[Tensor, ...]
    inputs: Mapping[str, Axes]
    outputs: Mapping[str, Axes]

    @classmethod
    def of(cls, task: Task, model: nn.Module, values: Sequence[Any]) -> Network:
        """The forward pass of `model`, to be followed with some input values."""
        like = task.encode_inputs(values[:EXAMPLES])
        arguments = tuple(leaves(like))
        module = Flat(folded(model).cpu().float().requires_grad_(False), like, task.outputs).eval()
        with torch.no_grad():
            found = task.outputs(module.network, like)
        names = getattr(found, "_fields", None) or [f"output_{k}" for k, _ in enumerate(leaves(found))]
        inputs = Portable.of(task.input).axes
        told = {name: _axes(each, inputs, arguments) for name, each in zip(names, leaves(found), strict=True)}
        return cls(module, arguments, inputs, told)

    @property
    def free(self) -> tuple[Any, ...]:
        """Which axes may be of any length, as torch.export is told."""
        axes = self.inputs.values()
        free = ({k: Dim.DYNAMIC for k, axis in enumerate(names) if isinstance(axis, str)} for names in axes)
        return (tuple(free),)


def _axes(output: Tensor, inputs: Mapping[str, Axes], arguments: Sequence[Tensor]) -> Axes:
    """The axes of an output: by the word of an input's axis that is as long, where that may be of any length.

    Of two that are, height and width, the one in the same place from the end is meant.
    """
    words: dict[int, dict[int, str]] = {}
    for axes, given in zip(inputs.values(), arguments, strict=True):
        for place in range(1, len(axes)):
            if isinstance(word := axes[place], str):
                words.setdefault(given.shape[place], {})[place - len(axes)] = word
    first = "batch" if len(output) == len(arguments[0]) else len(output)
    return (first, *(_word(words, length, place) for place, length in enumerate(output.shape[1:], 1 - output.ndim)))


def _word(words: Mapping[int, Mapping[int, str]], length: int, place: int) -> str | int:
    """What an axis of so many entries at a `place` from the end is called."""
    alike = words.get(length, {})
    return alike.get(place) or next(iter(alike.values()), length)


def written(network: Network, format: str, folder: Path) -> str:
    """Write the network into `folder`; the name of its file.

    Raises UsageError where torch cannot follow it, and where the packages that write the format are not installed.
    """
    try:
        with _quietly():
            if format == "torch":
                torch.export.save(_traced(network), folder / FILES[format])
            elif any(isinstance(module, nn.RNNBase) for module in network.module.modules()):
                _write_recurrent(network, folder / FILES["onnx"])
            else:
                _write_onnx(_traced(network), network, folder / FILES["onnx"])
            if format == "openvino":
                _convert(folder / FILES["onnx"], folder / FILES[format])
    except ImportError as error:
        fix = f"Install it: {OPENVINO if error.name == 'openvino' else EXTRA}"
        raise UsageError(f"what writes {format} is not installed ({error.name})", fix=fix) from None
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever these cannot follow they say in many classes
        reason = _first_line(error)
        raise UsageError(f"this network cannot be written as {format} ({reason})", fix=_otherwise(format)) from error
    return FILES[format]


def _first_line(error: BaseException) -> str:
    """What torch says of what it cannot follow, without what it advises those who work on it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _otherwise(format: str) -> str:
    return "Export it as onnx" if format == "torch" else "Use the run itself"


def _traced(network: Network) -> torch.export.ExportedProgram:
    """The forward pass as torch.export follows it, its free axes free."""
    return torch.export.export(
        network.module,
        network.arguments,
        dynamic_shapes=network.free,
        prefer_deferred_runtime_asserts_over_guards=True,
    )


def _write_onnx(traced: torch.export.ExportedProgram, network: Network, path: Path) -> None:
    program = torch.onnx.export(
        traced,
        network.arguments,
        input_names=list(network.inputs),
        output_names=list(network.outputs),
        dynamo=True,
        verbose=False,
        optimize=True,
    )
    assert program is not None
    _name_axes(program.model, network.inputs)
    program.save(path, external_data=False)


def _write_recurrent(network: Network, path: Path) -> None:
    """By the older exporter of torch.onnx: the newer one (2.13) makes a recurrence as long as the examples are."""
    axes = {
        name: {place: axis for place, axis in enumerate(names) if isinstance(axis, str)}
        for name, names in network.inputs.items()
    }
    torch.onnx.export(
        network.module,
        network.arguments,
        path,
        input_names=list(network.inputs),
        output_names=list(network.outputs),
        dynamic_axes=axes,
        opset_version=OPSET,
        dynamo=False,
    )


def _name_axes(model: Any, inputs: Mapping[str, Axes]) -> None:
    """The free axes of the inputs by their words, which other programs show."""
    import onnx_ir

    for given, axes in zip(model.graph.inputs, inputs.values(), strict=True):
        given.shape = onnx_ir.Shape(axes)


def _convert(onnx: Path, path: Path) -> None:
    import openvino

    # Read by the core: the converter's Python tools would send statistics of their use.
    openvino.save_model(openvino.Core().read_model(onnx), path, compress_to_fp16=False)
    onnx.unlink()


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without what torch.onnx says of its own parts: nothing that a person could do."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
