"""A trained model in its run folder: answers, metrics and a card.

It sits above the card because it can make one; `sounding.api` makes and loads it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
from torch import nn

from sounding import inspection
from sounding.architectures.folding import fuse_for_inference
from sounding.card.card import Card, Header
from sounding.card.contents import versions
from sounding.card.html import facts_table
from sounding.card.measuring import measure
from sounding.card.parts import FOLDER as PARTS
from sounding.card.parts import Parts, fingerprint
from sounding.card.printing import first_sentence
from sounding.card.siblings import siblings
from sounding.challenges.explanations import explanation
from sounding.challenges.explanations.explanation import Explanation
from sounding.challenges.labels import labelling
from sounding.contract.evidence import Estimate
from sounding.contract.metrics import Metric
from sounding.contract.player import Player
from sounding.contract.records import Example, Record
from sounding.contract.task import Learning, Task
from sounding.data import Columns, Dataset, open_data
from sounding.data.pool import Pool, open_pool
from sounding.environments.agent import Agent
from sounding.errors import RunError, SoundingError, UsageError
from sounding.evaluation import evaluation
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.files import read_json, write
from sounding.games.thinking import Thinker
from sounding.inspection import Inspection, Reading
from sounding.machine.metering.cost import with_joules
from sounding.machine.setting import Setting
from sounding.randomness import stream
from sounding.runs import policy
from sounding.runs.answer_lines import answer_lines, lines_every
from sounding.runs.folder import Run
from sounding.runs.prediction import (
    Question,
    Refused,
    Result,
    Results,
    answers,
    expand,
    predict,
    question,
    streamed,
)
from sounding.runs.preparing import rows_of, rows_unknown
from sounding.training.experience import PLAY
from sounding.training.progress import Say


class Metrics(dict[str, Estimate]):
    """Estimates by metric name; also as attributes, with spaces as underscores (`metrics.macro_f1`).

    `left_out`: name → why the rows say nothing of it (large boxes, where there is none), of the metrics they are `of`.
    """

    def __init__(self, found: Mapping[str, Estimate], of: Sequence[Metric] = ()) -> None:
        super().__init__(found)
        self.left_out = evaluation.left_out(of, found)

    def __getattr__(self, name: str) -> Estimate:
        for key, estimate in self.items():
            if _attribute(key) == name:
                return estimate
        for key, why in self.__dict__.get("left_out", {}).items():
            if _attribute(key) == name:
                raise AttributeError(f"{key} was left out: {why}")
        raise AttributeError(f"no metric {name}; there are {', '.join(map(_attribute, self))}")


@dataclass(frozen=True)
class CardFacts:
    """What only a person knows of a model, said when its card is made.

    `region` is where the electricity comes from ("SE"), `pue` what a data centre draws for each joule of its computers,
    `joules` what a meter showed for the training; `use` says what the model is for, `licence` is an SPDX id or a note.
    """

    region: str = ""
    pue: float | None = None
    joules: float | None = None
    use: str = ""
    licence: str = ""


class Model:
    """A trained model in its run folder: call it to predict; evaluate it; ask for its card.

    `setting` is the precision of answers and metrics, fp32 when none is given; the card is always measured in fp32.
    """

    def __init__(
        self,
        run: Run,
        task: Task,
        module: nn.Module,
        dataset: Dataset | None = None,
        setting: Setting | None = None,
        place: Any = None,
    ) -> None:
        self.run, self.task, self.module, self._dataset, self.setting = run, task, module, dataset, setting
        self._place = place

    def __repr__(self) -> str:
        return f"Model({self._name}, {self.dir})"

    def _repr_html_(self) -> str:
        """What a notebook shows: what it is, where it lies, its headline metric and what else its card found."""
        sections = [s for s in Card.load(self.dir) if s.sentence] if (self.dir / "card.json").exists() else []
        parameters = sum(p.numel() for p in self.module.parameters())
        facts = {"Run": str(self.dir), "Parameters": f"{parameters:,}"}
        return facts_table(self._name, facts | {s.title: first_sentence(s.sentence) for s in sections})

    @property
    def _name(self) -> str:
        return Path(self.run.config["task"]).stem

    @property
    def dir(self) -> Path:
        """The run folder."""
        return self.run.dir

    def __call__(self, inputs: Any, **options: Any) -> Results:
        """Answers for a path, a pattern, a folder, an array, a tensor, a Pillow picture, a text, or a list of these.

        Always a list; a batch of pictures (four axes) is as many of them.

        `options` are how to answer this once, in place of the run's. Raises UsageError for one that the task has not.
        """
        return Results(self._results(self.task.with_options(options), inputs))

    @property
    def batch(self) -> int:
        """How many inputs at once are enough."""
        return self.task.recipe.batch

    # ---- playing and acting

    def thinker(self) -> Thinker:
        """What plays with this model. Raises UsageError for a run that has learnt no game."""
        if not isinstance(self.task, Player):
            raise UsageError(f"{self.dir} has learnt no game", fix="Name a run of a game, such as runs/go/1")
        return self.task.thinker(self.module)

    @cached_property
    def agent(self) -> Agent:
        """What acts in an environment with this model. Raises UsageError for a run that acts in none."""
        return policy.agent_of(self.task, self.module)

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """What to do on an observation, or on a batch of them: (actions, `state`), as in Stable-Baselines3.

        Observations are as `self.agent.spec.observation` says, actions counted from 0. Models have no memory:
        `state` is given back as it came, and `episode_start` changes nothing; without `deterministic` they draw.
        Raises UsageError for a run that acts in no environment, and for observations of another shape.
        """
        return policy.actions(self.agent, observation, None if deterministic else self._chance), state

    @cached_property
    def _chance(self) -> np.random.Generator:
        return stream("policy", self.run.config.get("seed", 0))

    def stream(self, inputs: Any, *, refused: Refused | None = None, **options: Any) -> Iterator[Any]:
        """As a call, one result at a time, for more inputs than memory holds.

        `refused` is told of each input that cannot be read, and the others are answered for; without it the first of
        them is raised. Where answers are texts that are written, the answer to one text comes piece by piece instead:
        strings.
        """
        task = self.task.with_options(options)
        if isinstance(inputs, str) and self.streams(inputs):
            return streamed(task, self._fused, task.input.read(inputs), self.setting)
        return self._results(task, inputs, refused)

    def read(self, cell: Any) -> Question:
        """One input, read and not yet answered; no folder and no pattern. Raises DataError for what cannot be read."""
        return question(self.task.input, cell)

    def answer(self, questions: Sequence[Question], **options: Any) -> Results:
        """Answers to inputs that are read already, all in one batch: for who gathers them from elsewhere."""
        return Results(answers(self.task.with_options(options), self._fused, questions, self.setting))

    def streams(self, text: str) -> bool:
        """Whether the answer to a text comes piece by piece; not where it names a folder, or several files."""
        return self.task.streams and expand(self.task.input, text, lambda error: None) == [text]

    def _results(self, task: Task, inputs: Any, refused: Refused | None = None) -> Iterator[Result]:
        named = expand(task.input, inputs, refused) if not isinstance(inputs, Iterator) else inputs
        return predict(task, self._fused, named, self.setting, refused)

    def with_options(self, options: Mapping[str, Any]) -> Model:
        """The same model, answering otherwise in all that it does. Raises UsageError for an unknown option."""
        if not options:
            return self
        task = self.task.with_options(options)
        return Model(self.run, task, self.module, self._dataset, self.setting, self._place)

    def with_data(self, place: Any) -> Model:
        """The same model, whose training data lie in `place` now; they are told by their digests."""
        return Model(self.run, self.task, self.module, None, self.setting, place)

    @cached_property
    def _fused(self) -> nn.Module:
        return fuse_for_inference(self.module)

    @cached_property
    def metrics(self) -> Metrics:
        """The test metrics with intervals, as the saved card has them."""
        quality = self.card()["quality"]
        if quality.status != "ok":
            raise RunError(f"the quality was not measured: {quality.reason}", where=str(self.dir))
        known = {number.id for number in quality.numbers}
        every = (*self.task.metrics, *self.task.set_metrics)
        return Metrics({m.name: quality[_attribute(m.name)] for m in every if _attribute(m.name) in known}, every)

    def evaluate(
        self,
        source: Any = None,
        columns: Columns | None = None,
        *,
        allow_bad: float | None = None,
        say: Say | None = None,
        **options: Any,
    ) -> Metrics:
        """Metrics with 95 % intervals on the test rows of `source`, or on all of it if it is not split.

        Rows that the training learnt from or chose by are left out, as are rows that cannot be used, up to a share of
        `allow_bad`; `say` hears of both. So the data of the training, wherever they lie, give its own test rows.
        Without a source: on the test rows that the training set aside.
        `options` are how to answer, as in a call.
        """
        task = self._asked_of(source).with_options(options)
        rows = self._rows(source, columns, allow_bad, say=say)
        found = evaluation.measure(task, evaluation.evaluate(task, self.module, rows, self.setting))
        if more := evaluation.measure_set(task, self.module, rows, self.setting):
            found |= evaluation.measure(task, more, metrics=task.set_metrics)
        return Metrics(found, (*task.metrics, *(task.set_metrics if more else ())))

    def records(
        self,
        source: Any = None,
        columns: Columns | None = None,
        *,
        allow_bad: float | None = None,
        beside: Sequence[Model] = (),
        say: Say | None = None,
        **options: Any,
    ) -> list[Record]:
        """One record for each row that `evaluate` looks at; without those that the models in `beside` learnt from."""
        task = self._asked_of(source).with_options(options)
        return evaluation.evaluate(task, self.module, self._rows(source, columns, allow_bad, beside, say), self.setting)

    def _asked_of(self, source: Any) -> Task:
        """The task as it is measured on a path, where one is named: what has learnt by playing, on records of games."""
        return self.task.with_data() if isinstance(source, str | Path) else self.task

    def _rows(
        self,
        source: Any,
        columns: Columns | None,
        allow_bad: float | None,
        beside: Sequence[Model] = (),
        say: Say | None = None,
    ) -> Sequence[Example]:
        """The test rows of the training, or those of another source that it does not know."""
        if source is None:
            return self.dataset().test
        data = self.dataset(source, columns, allow_bad=allow_bad, beside=beside)
        if data.left_out and say:
            many = f"{data.left_out:,} row{'s' * (data.left_out != 1)}"
            say(f"{many} of {source} are left out: the model learnt from them, or was chosen by them")
        if (bad := data.report.rejected) and say:
            more = f" And {len(bad) - 1:,} more: sounding check names them all." if len(bad) > 1 else ""
            say(f"left out, since it cannot be used: {bad[0]}{more}")
        return data.unseen

    def dataset(
        self,
        source: Any = None,
        columns: Columns | None = None,
        *,
        allow_bad: float | None = None,
        beside: Sequence[Model] = (),
    ) -> Dataset:
        """The data of the training, or of another source, read as this model reads.

        Of another source, what this model or one `beside` it learnt from is not among the unseen rows.
        """
        if source is not None:
            records = [record for model in (self, *beside) if (record := model.run.record) is not None]
            task = self._asked_of(source)
            data = open_data(task, source, columns or Columns(), allow_bad=allow_bad, fit=False, trained=records)
            same = not records and data.report.digest == self._digest
            return replace(data, unseen=data.test) if same else data
        if self._dataset is not None:
            return self._dataset
        if "source" not in self.run.config:  # best/ or last/, copied elsewhere by itself
            raise rows_unknown()
        return rows_of(self.run.plan(type(self.task)), self.task, self.run, self._place)

    @property
    def _digest(self) -> str:
        """Of the rows of the training; nothing where they are not known."""
        return str(self.run.data["digest"]) if (self.dir / "data.json").exists() else ""

    def card(
        self,
        profile: Profile | None = None,
        say: Callable[[str], None] | None = None,
        *,
        shift: Any = None,
        allow_bad: float | None = None,
        options: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> Card:
        """The saved card; measured anew, and saved, when a profile or anything else is named, or none was saved.

        `profile` is quick, standard or full (that of the saved card, else quick); `shift` is a second set of the same
        task, from elsewhere, and `allow_bad` the share of its rows to go on without. With other `options` than those of
        the saved card it is measured anew, and says which. The rest is what only a person knows (`CardFacts`): region,
        pue, joules, use, licence.
        """
        model, said = self.with_options(options or {}), CardFacts(**facts)
        saved = self.saved_card if profile is None else None
        if saved is not None and shift is None and said == CardFacts() and model._answered_so(saved):
            return saved
        second = None if shift is None else self.dataset(shift, allow_bad=allow_bad)
        chosen: Any = profile or (saved.header.profile if saved else "quick")  # a full card stays one
        return measured(model, self.dataset(), chosen, say, second=second, facts=said)

    @property
    def saved_card(self) -> Card | None:
        """The card that lies in the run folder, if one does."""
        return Card.load(self.dir) if (self.dir / "card.json").exists() else None

    def _answered_so(self, card: Card) -> bool:
        """Whether a card was measured with the options that this model answers with."""
        return dict(card.header.options) == self.task.options.to_json()

    # ---- looking closer

    @overload
    def explain(self, inputs: Result, method: str = "occlusion", seed: int = 0, of: str = "") -> Explanation: ...

    @overload
    def explain(self, inputs: Any, method: str = "occlusion", seed: int = 0, of: str = "", **options: Any) -> Any: ...

    def explain(self, inputs: Any, method: str = "occlusion", seed: int = 0, of: str = "", **options: Any) -> Any:
        """Which parts of an input carry the answer to it: a weight for each part; see `explanation.METHODS`.

        `inputs` is a result, or what a call takes, which is then answered with `options`. Of a list, a folder or a
        pattern a list of explanations. `of` names what is told beside the answer, to explain that: "expected return".
        """
        if isinstance(inputs, Result):
            assert isinstance(inputs.task, Task)
            return explanation.explain(inputs.task, self.module, inputs.input, inputs.value, method, seed, of)
        if isinstance(inputs, list | tuple) and any(isinstance(each, Result) for each in inputs):
            return [self.explain(each, method, seed, of, **options) for each in inputs]
        named = expand(self.task.input, inputs)
        task = self.task.with_options(options)
        found = [self.explain(result, method, seed, of) for result in self._results(task, iter(named))]
        alone = not isinstance(inputs, list | tuple) and len(named) == 1 and named[0] is inputs
        return found[0] if alone else found

    def inspect(self, rows: int = inspection.ROWS) -> Inspection:
        """The model layer by layer on training rows: activations, gradients, dead units, and a verdict."""
        seed, state = self.run.config["seed"], self.dir / "trainer_state.json"
        damping = read_json(state).get("damping", 1.0) if state.exists() else 1.0
        some = inspection.sample(self.dataset().train, rows, seed)
        return inspection.inspect(self.task, self.module, some, seed=seed, rate=self.task.recipe.lr * damping)

    def read_along(self, input: Any, **options: Any) -> Reading:
        """What the model does along one input: where attention looks, how far back a recurrent gradient reaches.

        Raises UsageError for a model that has neither.
        """
        value = self.task.input.read(input)
        return inspection.read_along(self.task.with_options(options), self.module, value)

    def journal(self) -> list[dict[str, Any]]:
        """What `every` wrote of the layers during the training. Raises RunError if nothing was."""
        lines = inspection.read_journal(self.dir / "inspection.jsonl")
        if not lines:
            fix = "Train with --every N"
            raise RunError("nothing was written of the layers during the training", where=str(self.dir), fix=fix)
        return lines

    def pool(self, source: Any, *, allow_bad: float | None = None, say: Callable[[str], None] | None = None) -> Pool:
        """Rows without answers: a folder of files, a table or a list of values; less those that have answers here."""
        data = self.dataset()
        labelled = (data.train, data.validation, data.test)
        return open_pool(self.task, source, labelled=labelled, allow_bad=allow_bad, progress=say)

    def suggest(
        self, pool: Pool, count: int = 50, strategy: str = "both", seed: int = 0, say: Say | None = None
    ) -> labelling.Suggestions:
        """What to label next of a pool: by margin, spread, both or random."""
        return labelling.suggest(self.task, self.module, self.dataset().train, pool, count, strategy, seed, say)

    def review(self, time: float | None = None, *, say: Callable[[str], None] | None = None) -> labelling.Review:
        """Which labels may be wrong, by models that did not learn from them; in at most `time` seconds."""
        data, seed, limit = self.dataset(), self.run.config["seed"], time or math.inf
        composed = type(self.task).compose_rows is not Task.compose_rows  # held-out rows are of another kind then
        rest = () if composed or self.task.learns is Learning.DOCUMENTS else (data.validation, data.test)
        return labelling.review(
            self.task,
            data.train,
            self.training,
            seconds=limit,
            seed=seed,
            progress=say,
            held_out=rest,
            model=self.module,
        )

    def _control(self, training: Mapping[str, Any]) -> nn.Module | None:
        """The model that was not kept; none without a control, or before training.json has the verdict on it."""
        beside = self.run.other if "control" in training else ""
        return self.run.model(type(self.task), beside)[1] if beside else None

    @property
    def training(self) -> dict[str, Any]:
        """What the training cost and how it went: training.json; empty where it has not ended."""
        path = self.dir / "training.json"
        return read_json(path) if path.exists() else {}

    # ---- the card

    def context(
        self,
        profile: Profile = "quick",
        dataset: Dataset | None = None,
        second: Dataset | None = None,
        facts: CardFacts | None = None,
    ) -> EvaluationContext:
        """The model on the bench, with the rows that it was trained on (or `dataset`), as challenges want it."""
        data, said, training = dataset or self.dataset(), facts or CardFacts(), self.training
        return EvaluationContext(
            self.task,
            self.module,
            *(data.train, data.validation, data.test),
            profile=profile,
            seed=self.run.config["seed"],
            training=training if said.joules is None else with_joules(training, said.joules),
            control=self._control(training),
            config=self.run.config if said.pue is None else {**self.run.config, "pue": said.pue},
            second=second.unseen if second else (),
            second_name=second.report.source if second else "",
            region=said.region,
        )


def measured(
    model: Model,
    dataset: Dataset,
    profile: Profile,
    say: Callable[[str], None] | None,
    *,
    second: Dataset | None = None,
    facts: CardFacts | None = None,
) -> Card:
    """Measure the card, save it and the predictions on the test rows in the run folder.

    What is measured is kept section by section until the card is complete. An interrupted card never takes the place of
    a whole one.
    """
    said = facts or CardFacts()
    context = model.context(profile, dataset, second, said)
    context.report, context.siblings, context.say = dataset.report.to_json(), siblings(model.dir), say
    config = model.run.config
    header = Header(
        task=model._name,
        model=str(model.dir),
        data=Path(config["source"] or PLAY).name,  # a card may be published; config.json has the whole path
        command=config["command"],
        licence=said.licence,
        pipeline=model.task.pipeline,
        use=said.use,
    )
    beside, options = sorted(context.siblings.items()), sorted(model.task.options.to_json().items())
    others = (context.report["digest"], second.report.digest if second else "", beside, said, options)
    key = fingerprint(context.model, versions(), profile, context.seed, context.config, context.training, *others)
    parts = Parts(model.dir / PARTS / profile, key)
    card = measure(context, header, parts=parts)
    if not card.interrupted or not whole_card(model.dir):
        card.save(model.dir)
        with suppress(SoundingError):  # the card says what is wrong with a model that cannot answer
            rows = () if context.plays else context.test
            every = lines_every(model.task, context.records)
            if every > 1 and say is not None:
                say(f"predictions.jsonl would be very large: it has one of every {every} of {len(context.records):,}")
            write(model.dir / "predictions.jsonl", answer_lines(model.task, context.records, rows, every))
        model.__dict__.pop("metrics", None)
    if not card.exit_status:
        parts.clear()
    return card


def whole_card(folder: Path) -> bool:
    """Whether a card lies in a run folder that was not interrupted."""
    try:
        return not Card.load(folder).interrupted
    except RunError:
        return False


def _attribute(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower()).strip("_")
