"""An exported model at work, without torch: numpy, Pillow, tokenizers, and what computes the network.

model = sounding.exports.runtime.load("runs/classify/1/exported/onnx")
model(["a.jpg", "b.jpg"])[0].label

It is called as a trained model is (`runs.model.Model`) and gives the same results. What looks into a network
(explanations, layers, a card) needs the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sounding.contract import options as answering
from sounding.contract.inputs import Portable
from sounding.contract.modality import Modality
from sounding.contract.postprocessing import Networks, Playing
from sounding.contract.records import Prediction
from sounding.contract.writing import Writing
from sounding.errors import RunError, UsageError
from sounding.exports.description import FILE, SUFFIXES, Description, Processing, is_exported
from sounding.exports.sessions import open_session
from sounding.games.thinking import Thinker
from sounding.runs.prediction import Question, Refused, Results, answered, expand, question, results

__all__ = ["ExportedModel", "is_exported", "load"]


@dataclass(frozen=True)
class ExportedTask:
    """What is left of a task beside an exported network: how inputs are read, and what answers are.

    It has no options, and answers as its run did when it was exported; but what writes token by token keeps its own.
    """

    input: Modality
    target: Modality
    pipeline: str = ""
    caution: str = ""
    options: answering.Options = field(default_factory=answering.Options)
    streams: bool = False

    @property
    def Options(self) -> type[answering.Options]:
        """What may be set."""
        return type(self.options)

    def note(self, input: Any) -> str:
        """Nothing."""
        return ""


class ExportedModel:
    """An exported model: call it to predict. The network is opened when it is first needed."""

    def __init__(self, folder: Path, description: Description, processing: Processing) -> None:
        self.dir, self.description, self.processing = folder, description, processing
        post = processing.post
        self.task = ExportedTask(processing.input, processing.target, description.pipeline, description.caution)
        if isinstance(post, Writing):
            self.task = replace(self.task, options=post.options, streams=post.streams)

    def __repr__(self) -> str:
        return f"ExportedModel({self.description.task}, {self.description.format}, {self.dir})"

    @cached_property
    def network(self) -> Networks:
        """The network, from encoded inputs to its outputs; of several a call asks the first."""
        said = self.description
        files = {Path(file).stem: file for file in (said.network, *(other.network for other in said.others.values()))}
        return Networks({name: open_session(said.format, self.dir / file) for name, file in files.items()})

    @property
    def network_bytes(self) -> int:
        """Of the network's files."""
        return sum(file.stat().st_size for file in self.dir.iterdir() if file.suffix in SUFFIXES)

    @property
    def batch(self) -> int:
        """How many inputs at once are enough."""
        return self.description.batch

    def predictions(self, values: Sequence[Any]) -> list[Prediction]:
        """One prediction for each value that was read."""
        if not len(values):
            return []
        x = Portable.of(self.processing.input).arrays(values)
        return self.processing.post.predictions(self.network, x, values, self.processing.target)

    def __call__(self, inputs: Any, **options: Any) -> Results:
        """Answers for a path, a pattern, a folder, an array, a Pillow picture, a text, or a list of these."""
        return Results(self.with_options(options)._results(inputs))

    def stream(self, inputs: Any, *, refused: Refused | None = None, **options: Any) -> Iterator[Any]:
        """As a call, one result at a time; `refused` is told of each input that cannot be read.

        Where answers are made piece by piece, that to one text comes so: strings.
        """
        asked = self.with_options(options)
        if isinstance(inputs, str) and self.streams(inputs):
            return asked._pieces(inputs)
        return asked._results(inputs, refused)

    def _results(self, inputs: Any, refused: Refused | None = None) -> Iterator[Any]:
        named = expand(self.task.input, inputs, refused) if not isinstance(inputs, Iterator) else inputs
        return answered(self.task, self.predictions, named, self.batch, refused)

    def _pieces(self, text: str) -> Iterator[str]:
        post, value = self.processing.post, self.task.input.read(text)
        assert isinstance(post, Writing)
        x = Portable.of(self.task.input).arrays([value])
        return post.pieces(lambda room: post.decoder(self.network, x, room), x, value, self.task.target)

    def read(self, cell: Any) -> Question:
        """One input, read and not yet answered. Raises DataError for what cannot be read."""
        return question(self.task.input, cell)

    def answer(self, questions: Sequence[Question], **options: Any) -> Results:
        """Answers to inputs that are read already, all in one batch."""
        asked = self.with_options(options)
        return Results(results(asked.task, asked.predictions, questions))

    def streams(self, text: str) -> bool:
        """Whether the answer to a text comes piece by piece; not where it names a folder, or several files."""
        return self.task.streams and expand(self.task.input, text, lambda error: None) == [text]

    def with_options(self, options: Mapping[str, Any]) -> ExportedModel:
        """The same model, answering otherwise.

        Raises UsageError for an option that it has not: most became a part of it when it was exported.
        """
        post = self.processing.post
        if isinstance(post, Writing) and options:
            other = ExportedModel(self.dir, self.description, replace(self.processing, post=post.with_options(options)))
            other.network = self.network
            return other
        if options:
            what = f"an exported model answers as its run did, and {', '.join(options)} cannot be changed"
            fix = "Set it at the run, and export that: sounding export RUN FORMAT KEY=VALUE"
            raise UsageError(what, where=str(self.dir), fix=fix)
        return self

    @property
    def plays(self) -> bool:
        """Whether it has learnt a game for two."""
        return isinstance(self.processing.post, Playing)

    def thinker(self) -> Thinker:
        """What plays with it. Raises UsageError where it has learnt no game."""
        post = self.processing.post
        if not isinstance(post, Playing):
            raise UsageError(f"{self.dir} has learnt no game", fix="Name a run of a game, such as runs/go/1")
        found: Thinker = post.thinker(self.network, self.processing.input, self.processing.target)
        return found

    def explain(self, *inputs: Any, **named: Any) -> Any:
        """Raises UsageError: what looks into a network needs the run."""
        fix = f"Ask the run: sounding predict {self.description.made.get('run') or 'RUN'} INPUT --explain"
        raise UsageError("an exported model explains nothing", where=str(self.dir), fix=fix)


def load(folder: Path | str) -> ExportedModel:
    """The exported model in `folder`. Raises RunError for a folder without one, or one that is damaged."""
    place = Path(folder)
    if not is_exported(place):
        what = f"not an exported model: there is no {FILE} in it"
        raise RunError(what, where=str(folder), fix="Make one: sounding export RUN onnx")
    return ExportedModel(place, Description.load(place), Processing.load(place))
