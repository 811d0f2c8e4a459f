"""A run into a folder that other programs use: written, compared row by row, and measured again.

The folder is made beside its place and takes it when all is there. One that holds an exported model is replaced by the
next; any other that is not empty is left alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from sounding import catalog
from sounding.card.trade_offs import TradeOffs
from sounding.contract.inputs import Portable
from sounding.contract.postprocessing import Postprocessing
from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.errors import RunError, UsageError, did_you_mean
from sounding.evaluation.context import Profile
from sounding.exports import graphs, quantisation, side_by_side
from sounding.exports.description import PLACE, Description, NetworkFile, Processing, is_exported
from sounding.exports.parity import MOST, ROWS, Parity, parity
from sounding.exports.runtime import ExportedModel, load
from sounding.files import discard, sha256, unwritable
from sounding.randomness import stream
from sounding.runs.model import Model

FORMATS = ("onnx", "openvino", "torch", "int8")
_TABLES = ("comparison.json", "comparison.md")


@dataclass(frozen=True)
class Exported:
    """What an export gave: the `model` in its folder, what `parity` found, and the `table` beside the run, if asked."""

    model: ExportedModel
    parity: Parity
    how: str = ""
    table: TradeOffs | None = None

    def lines(self) -> list[str]:
        """What a terminal shows."""
        found = [f"{'Answers':18} {self.parity}"]
        found += [f"{'8 bits':18} {self.how}"] if self.how else []
        found += ["", self.table.text().rstrip("\n"), ""] if self.table else []
        return [*found, f"{'Exported':18} {self.model.dir}"]


def export(
    model: Model,
    format: str,
    out: Path | None = None,
    *,
    profile: Profile | None = "quick",
    say: Callable[[str], None] | None = None,
) -> Exported:
    """The model as `format`: onnx, openvino, torch (a program of torch.export) or int8 (ONNX with 8 bits).

    It is written to `out`, by default RUN/exported/FORMAT. What a card measures is measured of it beside the run as
    `profile` says, None for not at all.
    Raises UsageError for a format, or a task, that is not exported; RunError where the answers are not the run's.
    """
    if format not in FORMATS:
        raise UsageError(f"no format {format!r}", fix=did_you_mean(format, FORMATS))
    place, post = out or model.dir / PLACE / format, _postprocessing(model)
    _require_free(place)
    test, train = _rows(model)
    tell = say or (lambda line: None)
    unfinished = place.with_name(f".{place.name}.unfinished")
    try:
        _cleared(unfinished).mkdir(parents=True)
        tell(f"tracing the network, writing {format}")
        how = _written(model, post, format, unfinished, test, train)
        found = _checked(model, unfinished, test, exact=format != "int8")
        table = None if profile is None or not test else _measured(model, unfinished, format, profile, tell)
        _cleared(place)
        unfinished.replace(place)
    except OSError as error:
        raise unwritable(place, error, "name another folder with --out") from None
    finally:
        _cleared(unfinished)
    return Exported(load(place), found, how, table)


def _postprocessing(model: Model) -> Postprocessing:
    """How the model's answers are told without its task. Raises UsageError where that is not written."""
    task = model.task
    post = task.postprocessing(model.module) if isinstance(task.input, Portable) else None
    if post is None:
        name = Path(model.run.config["task"]).stem
        what = f"{name} is not exported: {task.not_exported}"
        raise UsageError(what, where=str(model.dir), fix="docs/export.md lists what is; serve the run itself instead")
    return post


def _require_free(place: Path) -> None:
    """Raise RunError for a folder that holds something else than an exported model."""
    if place.exists() and not is_exported(place) and (not place.is_dir() or any(place.iterdir())):
        what = "the folder is not empty, and what is in it is no exported model"
        raise RunError(what, where=str(place), fix="Name another one with --out")


def _rows(model: Model) -> tuple[list[Any], list[Any]]:
    """Input values to compare on, those of the test and then of the validation; and some of the training."""
    data = model.dataset()
    order = stream("export", len(data.train)).permutation(len(data.train))[: quantisation.ROWS]
    compared = [*_inputs(data.test, ROWS), *_inputs(data.validation, ROWS)][:ROWS]
    if not compared:
        raise RunError("the run has no test or validation rows to compare on", where=str(model.dir))
    return compared, [data.train[int(place)].input for place in order]


def _inputs(examples: Sequence[Example], most: int) -> list[Any]:
    return [examples[place].input for place in range(min(most, len(examples)))]


def _written(
    model: Model, post: Postprocessing, format: str, folder: Path, rows: Sequence[Any], train: Sequence[Any]
) -> str:
    """Everything that the folder holds but what is measured; how 8 bits came about."""
    task, how = model.task, ""
    networks = graphs.of_task(task, model.module, sorted(rows, key=task.input.length)[-graphs.EXAMPLES :])
    kind = "onnx" if format == "int8" else format
    files = {name: graphs.written(graph, kind, folder, name) for name, graph in networks.items()}
    if format == "int8":
        encoded, full = Portable.of(task.input), folder / "fp32.onnx"
        for name, graph in networks.items():
            file = folder / files[name]
            file.rename(full)
            same = list(graph.inputs) == list(encoded.axes)
            how = quantisation.quantised(full, file, encoded if same else None, train or rows)
            discard(full)
    told = [NetworkFile.of(name, files[name], graph) for name, graph in networks.items()]
    Processing(task.input, task.target, post).save(folder)
    _description(model, post, told, kind, "int8" if format == "int8" else "fp32", how).save(folder)
    return how


def _description(
    model: Model, post: Postprocessing, networks: Sequence[NetworkFile], kind: str, numbers: str, how: str
) -> Description:
    task: Task = model.task
    versions = {name: metadata.version(name) for name in ("sounding", "torch")}
    return Description(
        task=Path(model.run.config["task"]).stem,
        summary=catalog.summary(type(task)),
        caution=task.caution,
        pipeline=task.pipeline,
        format=kind,
        numbers=numbers,
        network=networks[0].network,
        inputs=networks[0].inputs,
        outputs=networks[0].outputs,
        others={one.name: one for one in networks[1:]},
        preprocessing=list(Portable.of(task.input).steps),
        postprocessing={**post.settings, "steps": list(post.steps)},
        batch=task.recipe.batch,
        made={"run": str(model.dir), "weights": _digest(model), **versions, **({"how": how} if how else {})},
        checked={},
    )


def _digest(model: Model) -> str:
    """Of the weights that were exported."""
    alone = model.dir / "model.safetensors"
    return sha256(alone if alone.exists() else model.dir / "best" / "model.safetensors")


def _checked(model: Model, folder: Path, rows: Sequence[Any], *, exact: bool) -> Parity:
    """The answers beside the run's; written into model.json. Raises RunError where 32 bits do not give the same."""
    exported = load(folder)
    found = parity(model.task, model.module, exported, rows)
    if exact and not found.kept:
        what = f"the exported network does not answer as the run does: {found}, and {MOST:g} is the most"
        raise RunError(what, where=str(model.dir), fix="Use the run itself, and report this with its card")
    replace(exported.description, checked=found.to_json()).save(folder)
    return found


def _measured(
    model: Model, folder: Path, format: str, profile: Profile, tell: Callable[[str], None]
) -> TradeOffs | None:
    """The card's measures beside the run's, also written into the folder."""
    context = model.context(profile)
    if not len(context.test):
        return None
    tell("measuring it beside the run")
    exported = load(folder)
    table = side_by_side.measured(context, exported, format, exported.network_bytes)
    for name in _TABLES:
        table.save(folder / name)
    return table


def _cleared(folder: Path) -> Path:
    """The place of a folder, with nothing in it."""
    if folder.is_dir():
        shutil.rmtree(folder)
    return folder
