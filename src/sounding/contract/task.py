"""The contract of an application. Everything above (challenges, card, doors) knows a task only by these words.

    Example, Prediction, Record   what goes through it (records.py)
    Recipe, Options               the numbers of a training, set by one dial; the numbers of an answer
    Metric                        how records are judged (metrics.py)
    Task                          build, loss, predict, demo; and a few words that may be overridden

Two ideas carry the house. A prediction is a label that the model wrote, so `-loss(x, its answer)` is the
log-likelihood that the model gives to its own answer: explanations, attacks and calibration need nothing else. And
every metric judges records one by one and reduces the judgements, so that one bootstrap gives each its interval.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from sounding.contract import options as answering
from sounding.contract import recipe as recipes
from sounding.contract.behaviour import Behaviour, Changed
from sounding.contract.change import Change, Unchanged
from sounding.contract.concepts import Concept
from sounding.contract.evidence import Figure
from sounding.contract.graph import Graph
from sounding.contract.inputs import Invariance, Perturbable
from sounding.contract.layouts import Layout
from sounding.contract.memoised_forward import memoised_forward
from sounding.contract.metrics import Metric, row_loss
from sounding.contract.modality import Modality, Row
from sounding.contract.postprocessing import Postprocessing
from sounding.contract.records import Example, Prediction, Record, chunks
from sounding.contract.settings import TRAINING_WORDS
from sounding.contract.split_names import Shares
from sounding.contract.tree import to_device, tree_map
from sounding.contract.writing import Decoder
from sounding.errors import UsageError


class Learning(Enum):
    """What a task learns from."""

    ROWS = "rows with an answer each"
    DOCUMENTS = "texts, series or records of games without answers, which `windows` cuts"
    PLAY = "games or episodes that it plays"


class Task(ABC):
    """One application. A subclass declares its modalities, metrics and recipe, and writes build, loss and predict.

    The first line of its docstring is its help text. An instance holds the recipe and the fitted modalities.
    """

    Recipe: ClassVar[type[recipes.Recipe]] = recipes.Recipe
    Options: ClassVar[type[answering.Options]] = answering.Options
    learns: Learning = Learning.ROWS
    document_nouns: ClassVar[tuple[str, str]] = ("document", "window")
    """What a document is called, and what is cut from it, where the task learns from these."""
    pipeline: ClassVar[str] = ""
    """What the model hubs call this task ("image-classification"), if they do."""
    layouts: ClassVar[Sequence[Layout]] = ()
    """How data for this task may lie in files and folders besides tables; the first that fits is read."""
    pool_methods: ClassVar[Sequence[str]] = ("self-training", "contrast")
    """How rows that lack a half may be learnt from besides; the first where nobody says. "back-translation" takes rows
    without inputs, for a task that is `Invertible`."""
    not_exported: ClassVar[str] = "how its answers come from a network alone is not written"
    """Why, where `postprocessing` gives nothing, as the end of a sentence."""
    caution: ClassVar[str] = ""
    """What a model of this task must not be used for, in sentences that its card prints."""

    def __init_subclass__(cls, **words: Any) -> None:
        """Raises UsageError for a setting that is two things: of the training and of the answers, or a training's own.

        A training's own words (`time`, `out`, `seed`) stand beside the recipe's fields, by one name each. An option of
        the answers may be called so: where both could be meant, in a training, the word is the training's.
        """
        super().__init_subclass__(**words)
        taken = sorted(set(cls.Recipe.names()) & TRAINING_WORDS - set(recipes.Recipe.names()))
        if taken:
            what = f"{cls.__name__} has a setting called {taken[0]!r}, which is a word of every training"
            raise UsageError(what, fix="Give the field another name")
        both = sorted(set(cls.Recipe.names()) & set(cls.Options.names()))
        if both:
            what = f"{cls.__name__} has {', '.join(both)} in its recipe and in its options as well"
            raise UsageError(what, fix="Keep how to train in the recipe, and how to answer in the options")

    def __init__(self, recipe: recipes.Recipe | None = None, options: answering.Options | None = None) -> None:
        self.recipe, self.options = recipe or self.Recipe(), options or self.Options()
        self.input, self.target = self.modalities()

    # ---- what an application writes

    @abstractmethod
    def modalities(self) -> tuple[Modality, Modality]:
        """New modalities of the input and the target column, not yet fitted."""

    @property
    @abstractmethod
    def metrics(self) -> Sequence[Metric]:
        """How records are judged; the first is the headline. May use what the modalities learnt."""

    @abstractmethod
    def build(self) -> nn.Module:
        """A new model, shaped by the recipe and the fitted modalities. Weights come from torch's global generator."""

    @abstractmethod
    def loss(self, model: nn.Module, x: Any, y: Any) -> Tensor:
        """Loss [B] in nats for encoded inputs `x` and targets `y`, trees of tensors on the model's device.

        Regularised only when `model.training`.
        """

    @abstractmethod
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """One prediction for each input value, answered as `self.options` say."""

    @abstractmethod
    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """`n` small generated examples that a tiny model can learn in seconds; the contract test trains on them."""

    # ---- what an application may override

    @property
    def row_metrics(self) -> Sequence[Metric]:
        """How the records of single rows are judged, where `evaluate` measures something else; the same by default."""
        return self.metrics

    @property
    def set_metrics(self) -> Sequence[Metric]:
        """How the records of `evaluate_set` are judged; none by default."""
        return ()

    def encode_inputs(self, values: Sequence[Any]) -> Any:
        """Input values as a tree of tensors, first axis B."""
        return self.input.encode(values)

    def encode_targets(self, values: Sequence[Any]) -> Any:
        """Target values as the tree of tensors that `loss` compares with, first axis B."""
        return self.target.encode(values)

    def length(self, example: Example) -> int:
        """How many positions an example takes when it is encoded: what a budget of tokens counts."""
        return self.input.length(example.input)

    def log_likelihood(self, model: nn.Module, x: Any, y: Any) -> Tensor:
        """Log-likelihood [B] that the model gives to encoded answers `y`: a mean per token, pixel or box."""
        return -self.loss(model, x, y)

    @property
    def estimates(self) -> Mapping[str, Callable[[nn.Module, Any], Tensor]]:
        """Numbers [B] that a model tells of encoded inputs beside its answers, by name: the return that is expected.

        They are explained as answers are. None by default.
        """
        return {}

    def windows(self, documents: Sequence[Any]) -> Sequence[Example]:
        """The examples in documents without answers, for a task that learns from these: stretches with what follows."""
        raise NotImplementedError(f"{type(self).__name__} does not say how documents become examples")

    @property
    def document(self) -> Modality:
        """What a document is read as; the input by default, which a window is a part of."""
        return self.input

    def with_data(self) -> Self:
        """The task as it learns from data that a person names, which is itself by default.

        Raises UsageError for one that takes none.
        """
        return self

    def measured(self, windows: Sequence[Example]) -> Sequence[Example]:
        """Those of the windows of held-out documents that are measured; all by default. The others are counted."""
        return windows

    def embedding_layer(self, model: nn.Module) -> nn.Module | None:
        """The module whose output is where gradients explain (an embedding); None where it is the input itself."""
        return None

    def augment(self, x: Any, rng: torch.Generator) -> tuple[Any, Change]:
        """A training batch, changed so that the model learns what does not matter; identity by default."""
        return x, Unchanged()

    def collect(self, model: nn.Module, examples: Sequence[Example], rng: np.random.Generator) -> Sequence[Example]:
        """What the next epoch trains on: the rows by default; self-training adds rows that a model has answered."""
        return examples

    def nested(self, train: Sequence[Example]) -> np.ndarray | None:
        """An order [n] of training rows of which every beginning is what a person with less data would have.

        Of series the newest history. None, by default, where that is rows drawn at random.
        """
        return None

    def compose_rows(self, rows: Sequence[Row], shares: Shares | None = None) -> Sequence[Row]:
        """The rows of a whole source, cells unread, as they are trained and measured on; the same by default.

        A task that compares lists single things and measures pairs of them. One that splits them itself takes the
        `shares` that were asked for, and says in `origin` of the rows how they are split.
        """
        return rows

    def likelihood(self, rows: Sequence[Row]) -> tuple[float, str]:
        """How likely rows that the task can read are meant for it, from 0 to 1, and why in words: asked where a person
        names no task. By default more where the answers are of a kind that not any word could be.
        """
        if self.learns is Learning.DOCUMENTS:
            return 0.3, f"{len(rows):,} texts, answers aside"
        return (0.5, "") if self.target.accepts("word") else (0.8, f"{len(rows):,} rows with answers of its kind")

    def calibrate(self, model: nn.Module, validation: Sequence[Example], train: Sequence[Example]) -> bool:
        """Set what no gradient teaches in buffers of a model just trained: thresholds on the validation rows, say.

        The model is in evaluation mode, with the best weights of its training. There may be no validation rows. Returns
        whether anything was set.
        """
        return False

    def evaluate(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """The records that `metrics` judge: those of the rows by default; a player plays matches."""
        return self.evaluate_rows(model, examples)

    def validate(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """The records by which a training sees how good it has become; those of `evaluate` by default.

        Where the best weights are kept by games, they have to be others than those that measure the result.
        """
        return self.evaluate(model, examples)

    def evaluate_rows(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """One record for each row, which `row_metrics` judge: its loss and the answer to it."""
        records: list[Record] = []
        for batch in chunks(examples, self.recipe.batch):
            inputs, targets = [e.input for e in batch], [e.target for e in batch]
            with memoised_forward(model):  # the loss and the answer look at the same outputs
                x, y = self.encoded(model, inputs), self.encoded_targets(model, targets)
                losses = self.loss(model, x, y).float().tolist()
                answers = self.predict(model, inputs)
            for example, p, loss in zip(batch, answers, losses, strict=True):
                records.append(Record(p.value, example.target, p.confidence, loss, example.group, p.scores))
        return records

    def baselines(self, train: Sequence[Example], examples: Sequence[Example]) -> Mapping[str, Sequence[Record]]:
        """Simple models that stand beside the trained one, by name: their records of `examples`, fitted to `train`.

        The records are those that `evaluate` gives, in the same order. A name goes on in a sentence ("logistic
        regression on words"). None by default; what always answers the same is measured without being named here.
        """
        return {}

    def accomplished(self, records: Sequence[Record]) -> Mapping[str, float]:
        """How much there is, by its unit, of what else the energy of the training is divided by: frames, say.

        `records` are those that `evaluate` gives. Nothing by default.
        """
        return {}

    @property
    def ranking(self) -> Metric:
        """What tells a good answer to a row from a bad one: the card shows the worst, typical and best rows by it."""
        return row_loss()

    def agree(self, answer: Any, other: Any) -> bool | None:
        """Whether two answers say the same, which an input changed in what does not matter must not alter.

        By default equality, where answers are one of a finite list; None where nothing is known of that.
        """
        return None if self.target.classes is None else bool(answer == other)

    def behaviours(self, train: Sequence[Example]) -> Mapping[str, Behaviour]:
        """Changes of an input with a known effect on its answer, by name, for which `train` may be looked at.

        By default the invariances of the input, after which the answer must `agree` with the one before; none where
        the input knows none, or where nothing is known of answers that agree.
        """
        if not isinstance(self.input, Perturbable) or not train or self.agree(train[0].target, train[0].target) is None:
            return {}
        changes = self.input.invariances([e.input for e in train], [e.target for e in train])
        return {name: self._invariant(change) for name, change in changes.items()}

    def _invariant(self, change: Invariance) -> Behaviour:
        def changed(example: Example, rng: np.random.Generator) -> Changed | None:
            value = change(example.input, rng)
            return None if value is None else Changed(value, fault)

        def fault(before: Any, after: Any) -> str:
            return "" if self.agree(before, after) else "the answer changed"

        return Behaviour(changed)

    @property
    def concepts(self) -> Sequence[Concept]:
        """What people see in an input, of which layers are asked whether they tell it too; nothing by default."""
        return ()

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        """Plots of its own for the card's section on quality, of records of rows; none by default."""
        return ()

    def details(self, records: Sequence[Record]) -> Mapping[str, Any]:
        """Tables of its own for the same section, as JSON can hold them, by their titles."""
        return {}

    def note(self, input: Any) -> str:
        """What a person should know who asks about an input: of a long prompt only the end is read. Empty for most."""
        return ""

    def stream(self, model: nn.Module, input: Any) -> Iterator[Any]:
        """The answer to one input piece by piece as it is made, where it is made so; all at once by default."""
        yield self.predict(model, [input])[0].value

    def evaluate_set(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """Records of what is measured on rows besides the answer to each: who of all the enrolled a picture shows."""
        return []

    def outputs(self, model: nn.Module, x: Any) -> Any:
        """What the network gives for encoded inputs: the forward pass that `postprocessing` goes on from."""
        return model(x)

    def standing_in(self, model: nn.Module, outputs: Callable[[Any], Any]) -> nn.Module:
        """A copy of `model` whose forward pass is `outputs`, a function of encoded inputs: of an exported network, say.

        Where answers are written token by token, `outputs` are the exported networks, from arrays to arrays.
        Its weights and buffers stay, because a task may look there for thresholds.
        """
        twin = copy.copy(model)
        twin.__dict__["forward"] = lambda *x: outputs(x)
        return twin

    def postprocessing(self, model: nn.Module) -> Postprocessing | None:
        """How the outputs of `model` alone become answers, as `options` say, where there is no torch.

        None where an answer is more than one forward pass, or nobody has written it: such a model is not exported.
        """
        return None

    def graphs(self, model: nn.Module) -> Mapping[str, Graph]:
        """The networks that are written down, by name, where `postprocessing` asks others than `outputs`: none."""
        return {}

    def decoder(self, model: nn.Module, x: Any, room: int) -> Decoder:
        """What goes on with texts by `model`, for encoded inputs `x`, where `postprocessing` is `Writing`."""
        raise NotImplementedError(f"{type(self).__name__} does not write token by token")

    # ---- what is the same for all

    @property
    def streams(self) -> bool:
        """Whether answers are made piece by piece."""
        return type(self).stream is not Task.stream

    @property
    def collects(self) -> bool:
        """Whether `collect` does more than give the rows, so that there are no labels to save."""
        return type(self).collect is not Task.collect

    @property
    def evaluates(self) -> bool:
        """Whether `evaluate` measures something else than rows."""
        return type(self).evaluate is not Task.evaluate

    @property
    def passes(self) -> float:
        """Forward and backward passes that each training example takes; what counts operations asks."""
        return 1.0

    def encoded(self, model: nn.Module, inputs: Sequence[Any]) -> Any:
        """The encoded inputs, on the device where the model's weights are."""
        return to_device(self.encode_inputs(inputs), next(model.parameters()).device)

    def encoded_targets(self, model: nn.Module, targets: Sequence[Any]) -> Any:
        """The encoded targets, on the device where the model's weights are."""
        return to_device(self.encode_targets(targets), next(model.parameters()).device)

    def with_options(self, changes: Mapping[str, Any]) -> Self:
        """The task as it is, but answering otherwise. Raises UsageError for an unknown option."""
        if not changes:
            return self
        other = copy.copy(self)
        other.options = self.options.changed(changes)
        return other

    def fit(self, examples: Sequence[Example]) -> None:
        """Let the modalities learn their state from the training rows.

        Of documents, which have no answers, the input learns; a target with a state of its own is for the task to fit.
        """
        self.input.fit(e.input for e in examples)
        if self.learns is not Learning.DOCUMENTS:
            self.target.fit(targets(examples))

    def state(self) -> dict[str, Any]:
        """Recipe and fitted modalities, as JSON can hold them."""
        numbers = {"recipe": self.recipe.to_json(), "options": self.options.to_json()}
        return {**numbers, "input": self.input.state(), "target": self.target.state()}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Task:
        """The task that gave `state`."""
        task = cls(cls.Recipe.from_json(state["recipe"]), cls.Options.from_json(state["options"]))
        task.input.restore(state["input"])
        task.target.restore(state["target"])
        return task


_NARROW = (torch.bfloat16, torch.float16)


def built(task: Task) -> nn.Module:
    """A new model of `task` that gives fp32, whatever it is computed in: an application may call numpy on its outputs.

    Only what the model itself gives is cast; what a part of it gives when it is called alone is as it was computed.
    """
    model = task.build()
    model.register_forward_hook(_widened)
    return model


def _widened(model: nn.Module, given: Any, output: Any) -> Any:
    return tree_map(lambda tensor: tensor.float() if tensor.dtype in _NARROW else tensor, output)


def targets(examples: Sequence[Example]) -> Sequence[Any]:
    """The targets alone; rows that can give theirs without reading the input do so."""
    known = getattr(examples, "targets", None)
    return [e.target for e in examples] if known is None else known
