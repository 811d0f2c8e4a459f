"""A network written down for other programs: ONNX and OpenVINO from a graph that torch.export traced, or that itself.

Normalisations are folded into convolutions first. Every axis that an input calls by a word (batch, tokens) stays free.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from sounding.architectures.folding import folded
from sounding.contract.graph import Axes, Graph
from sounding.contract.inputs import Portable
from sounding.contract.task import Task
from sounding.contract.tree import leaves
from sounding.errors import UsageError

EXTRA, OPENVINO = 'pip install "sounding[export]"', 'pip install "sounding[openvino]"'
ENDINGS = {"onnx": ".onnx", "openvino": ".xml", "torch": ".pt2"}
"""Of the file of each format that names the network."""
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


def of_forward_pass(task: Task, model: nn.Module, values: Sequence[Any]) -> Graph:
    """The forward pass of `model`, to be followed with some input values."""
    like = task.encode_inputs(values[:EXAMPLES])
    arguments = tuple(leaves(like))
    module = Flat(model, like, task.outputs).eval()
    with torch.no_grad():
        found = task.outputs(module.network, like)
    names = getattr(found, "_fields", None) or [f"output_{k}" for k, _ in enumerate(leaves(found))]
    inputs = Portable.of(task.input).axes
    told = {name: _axes(each, inputs, arguments) for name, each in zip(names, leaves(found), strict=True)}
    return Graph(module, arguments, inputs, told)


def of_task(task: Task, model: nn.Module, values: Sequence[Any]) -> Mapping[str, Graph]:
    """What is written down of a model, by name: its forward pass alone, or the networks that its task names."""
    alone = folded(model).cpu().float().requires_grad_(False).eval()
    return task.graphs(alone) or {"model": of_forward_pass(task, alone, values)}


def _free(graph: Graph) -> tuple[Any, ...]:
    """Which axes may be of any length, as torch.export is told."""
    axes = graph.inputs.values()
    return (tuple({k: Dim.DYNAMIC for k, axis in enumerate(names) if isinstance(axis, str)} for names in axes),)


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


def written(graph: Graph, format: str, folder: Path, name: str = "model") -> str:
    """Write a network called `name` into `folder`; the name of its file.

    Raises UsageError where torch cannot follow it, and where the packages that write the format are not installed.
    """
    file, onnx = (folder / f"{name}{ENDINGS[kind]}" for kind in (format, "onnx"))
    try:
        with _quietly():
            if format == "torch":
                torch.export.save(_traced(graph), file)
            elif any(isinstance(module, nn.RNNBase) for module in graph.module.modules()):
                _write_recurrent(graph, onnx)
            else:
                _write_onnx(_traced(graph), graph, onnx)
            if format == "openvino":
                _convert(onnx, file)
    except ImportError as error:
        fix = f"Install it: {OPENVINO if error.name == 'openvino' else EXTRA}"
        raise UsageError(f"what writes {format} is not installed ({error.name})", fix=fix) from None
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever these cannot follow they say in many classes
        reason = _first_line(error)
        raise UsageError(f"this network cannot be written as {format} ({reason})", fix=_otherwise(format)) from error
    return file.name


def _first_line(error: BaseException) -> str:
    """What torch says of what it cannot follow, without what it advises those who work on it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _otherwise(format: str) -> str:
    return "Export it as onnx" if format == "torch" else "Use the run itself"


def _traced(graph: Graph) -> torch.export.ExportedProgram:
    """The forward pass as torch.export follows it, its free axes free."""
    return torch.export.export(
        graph.module,
        graph.arguments,
        dynamic_shapes=_free(graph),
        prefer_deferred_runtime_asserts_over_guards=True,
    )


def _write_onnx(traced: torch.export.ExportedProgram, graph: Graph, path: Path) -> None:
    program = torch.onnx.export(
        traced,
        graph.arguments,
        input_names=list(graph.inputs),
        output_names=list(graph.outputs),
        dynamo=True,
        verbose=False,
        optimize=True,
    )
    assert program is not None
    _name_axes(program.model, graph.inputs)
    program.save(path, external_data=False)


def _write_recurrent(graph: Graph, path: Path) -> None:
    """By the older exporter of torch.onnx: the newer one (2.13) makes a recurrence as long as the examples are."""
    axes = {
        name: {place: axis for place, axis in enumerate(names) if isinstance(axis, str)}
        for name, names in graph.inputs.items()
    }
    torch.onnx.export(
        graph.module,
        graph.arguments,
        path,
        input_names=list(graph.inputs),
        output_names=list(graph.outputs),
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
