"""model.json: everything about an exported model but its numbers, for programs and for people.

model.json       what it is, its inputs and outputs, pre- and post-processing in sentences, what was checked
state.json       the same pre- and post-processing as this package reads it: fitted values, vocabularies
tokenizer.json   of texts: the tokenizer, as the tokenizers library reads it
model.onnx       the network; model.xml and model.bin for OpenVINO, model.pt2 for torch.export
encoder.onnx …   two networks in its place, where one reads and the other one writes
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sounding.contract.modality import Modality
from sounding.contract.postprocessing import Postprocessing
from sounding.errors import RunError
from sounding.files import read_json, write, write_json

if TYPE_CHECKING:
    from sounding.contract.graph import Graph

SCHEMA = 1
"""The format of an exported model. One of a higher number was made by a newer version."""
FILE, STATE, TOKENIZER = "model.json", "state.json", "tokenizer.json"
PLACE = "exported"
"""The folder of a run in which its exported models lie, each called by its format."""
SUFFIXES = (".onnx", ".xml", ".bin", ".pt2")
"""Of the files that a network lies in."""


@dataclass(frozen=True)
class NetworkFile:
    """A network besides the first: its file, and its `inputs` and `outputs`, axes by name."""

    name: str
    network: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]

    @classmethod
    def of(cls, name: str, file: str, graph: Graph) -> Self:
        """The network that was written to `file`."""
        sides = ({each: list(axes) for each, axes in side.items()} for side in (graph.inputs, graph.outputs))
        return cls(name, file, *sides)


@dataclass(frozen=True)
class Description:
    """What model.json says. `summary` is what the task does, `caution` what its models must not be used for.

    `format` is onnx, openvino or torch, `numbers` fp32 or int8; `batch` inputs at once are enough. `inputs` and
    `outputs` are axes by name, `made` is of what and by which versions, `checked` what `parity` found. `others` are the
    networks besides `network`, by name, where there are several.
    """

    task: str
    summary: str
    caution: str
    pipeline: str
    format: str
    numbers: str
    network: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    preprocessing: list[str]
    postprocessing: Mapping[str, Any]
    batch: int
    made: Mapping[str, Any]
    checked: Mapping[str, Any]
    others: Mapping[str, NetworkFile] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write model.json."""
        write_json(folder / FILE, {"schema": SCHEMA, **asdict(self)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What model.json in `folder` says. Raises RunError for one that is damaged, or by a newer version."""
        said = read_json(folder / FILE)
        if not isinstance(said, dict) or not isinstance(said.get("schema"), int):
            raise RunError(f"{FILE} is not one of an exported model", where=str(folder), fix="Export the run again")
        if said["schema"] > SCHEMA:
            what = f"exported by a newer version (format {said['schema']}, this one reads {SCHEMA})"
            raise RunError(what, where=str(folder), fix="Upgrade: pip install -U sounding")
        try:
            others = {name: NetworkFile(**each) for name, each in said.get("others", {}).items()}
            return cls(**{each.name: said[each.name] for each in fields(cls) if each.name != "others"}, others=others)
        except KeyError as error:
            raise RunError(f"{FILE} lacks {error}", where=str(folder), fix="Export the run again") from None


def is_exported(folder: Path | str) -> bool:
    """Whether an exported model lies in `folder`."""
    return all(os.path.isfile(os.path.join(folder, name)) for name in (FILE, STATE))  # no error for any name


@dataclass(frozen=True)
class Processing:
    """How inputs are read and outputs answered: what state.json holds."""

    input: Modality
    target: Modality
    post: Postprocessing

    def save(self, folder: Path) -> None:
        """Write state.json, and tokenizer.json where there is a tokenizer."""
        states = {role: _kept(each, folder) for role, each in (("input", self.input), ("target", self.target))}
        values = {each.name: _written(getattr(self.post, each.name)) for each in fields(self.post)}  # type: ignore[arg-type]
        write_json(folder / STATE, {**states, "postprocessing": {"class": _path(self.post), "values": values}})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What state.json in `folder` holds. Raises RunError where it is damaged."""
        said = read_json(folder / STATE)
        try:
            input, target = (_modality(said[role], folder) for role in ("input", "target"))
            post: Callable[..., Postprocessing] = _found(said["postprocessing"]["class"], Postprocessing)
            values = {name: _read(value) for name, value in said["postprocessing"]["values"].items()}
            return cls(input, target, post(**values))
        except (KeyError, TypeError, ValueError) as error:
            what = f"{STATE} is damaged ({type(error).__name__}: {error})"
            raise RunError(what, where=str(folder), fix="Export the run again") from None


def _kept(modality: Modality, folder: Path) -> dict[str, Any]:
    """A modality as JSON can hold it; a tokenizer in a file of its own, which other programs read."""
    state = modality.state()
    tokenizer = state.get("tokenizer")
    if isinstance(tokenizer, dict) and "json" in tokenizer:
        write(folder / TOKENIZER, tokenizer["json"] + "\n")
        state["tokenizer"] = {**tokenizer, "json": None}
    arguments = {name: _written(value) for name, value in modality.arguments.items()}
    return {"class": _path(modality), **({"arguments": arguments} if arguments else {}), "state": state}


def _modality(said: Mapping[str, Any], folder: Path) -> Modality:
    kind: Callable[..., Modality] = _found(said["class"], Modality)
    found = kind(**{name: _read(value) for name, value in said.get("arguments", {}).items()})
    state = dict(said["state"])
    tokenizer = state.get("tokenizer")
    if isinstance(tokenizer, dict) and tokenizer.get("json", "") is None:
        state["tokenizer"] = {**tokenizer, "json": (folder / TOKENIZER).read_text(encoding="utf-8")}
    found.restore(state)
    return found


def _written(value: Any) -> Any:
    """An argument as JSON can hold it: a dataclass by its class and its values."""
    return {"class": _path(value), "values": asdict(value)} if is_dataclass(value) else value  # type: ignore[arg-type]


def _read(value: Any) -> Any:
    """The argument that was written so."""
    if not isinstance(value, dict) or "class" not in value:
        return _tuples(value)
    kind: Callable[..., Any] = _found(value["class"], object)
    if not hasattr(kind, "__dataclass_fields__"):
        raise ValueError(f"{value['class']!r} is no dataclass")
    return kind(**{name: _tuples(each) for name, each in value["values"].items()})


def _path(thing: Any) -> str:
    return f"{type(thing).__module__}:{type(thing).__qualname__}"


def _found(path: str, kind: type) -> Any:
    """The class of this package that `path` names: nothing else is imported for a file's sake."""
    module, _, name = path.partition(":")
    found = getattr(importlib.import_module(module), name, None) if module.split(".")[0] == "sounding" else None
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ValueError(f"{path!r} is no {kind.__name__.lower()} of this package")
    return found


def _tuples(value: Any) -> Any:
    """Lists as the tuples that they were before JSON."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
