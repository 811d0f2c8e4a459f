"""The contract of what learns by playing: a game, or an agent in an environment.

    play      positions (or transitions) with what is to be learnt from them: the training rows, gathered as it goes on
    matches   how good it is: records of games against opponents, or of episodes, which `metrics` judge
    recorded  how a game that others played is read, where it can learn from these as well

All else is as for any task: `build`, `loss` and `predict` speak of single positions, and `row_metrics` judge them, so
that explanations, robustness, calibration and energy are measured on positions of games kept out of the training.

Where a person names data, they are games that others played, and the task learns from these instead: then it is a task
that learns from documents, each of which is a game, and `row_metrics` are its metrics.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from sounding.contract.contest import Contest
from sounding.contract.modality import Modality
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example, Record
from sounding.contract.task import Learning, Task, built
from sounding.errors import UsageError
from sounding.randomness import entropy, stream


@dataclass(frozen=True)
class PlayRecipe(Recipe):
    """What every training by playing needs beyond a recipe. Its budget is steps (`least_steps`) or seconds."""

    played: ClassVar[str] = ""
    """The field that says what is played, which a person names where other tasks take their data; empty for none."""

    select: str = "last"
    watchdog: str = "finite"  # what is learnt moves as the play gets better: a loss may rise
    validations: int = 5  # how often a training plays its matches
    round_steps: int = 50  # steps from one round of play to the next
    window: int = 20_000  # positions that are learnt from: the latest
    passes: int = 0  # times that each position of the latest round alone is learnt from; 0: drawn from the window
    players: int = 0  # processes that play ahead while this one learns, where there are threads for them
    held_out: float = 0.1  # share of the games kept for validation, and again for the test

    def __post_init__(self) -> None:
        """Raises UsageError for numbers with which nothing would be played or learnt."""
        super().__post_init__()
        least = {"round_steps": self.round_steps, "window": self.window}
        for name, number in least.items():
            if number < 1:
                raise UsageError(f"{name}={number} leaves nothing to learn", fix=f"Give {name} 1 or more")
        if not 0 <= self.held_out < 0.5:
            what = f"held_out={self.held_out:g} leaves no game to learn from"
            raise UsageError(what, fix="Give a share from 0 to below 0.5, which is taken twice")

    @classmethod
    def named(cls, source: Any) -> tuple[Mapping[str, Any], Any]:
        """What the word after the task's name says: settings of the recipe, and the data where it names any.

        By default a word is what is played, where that can be named. Raises UsageError and DataError for what is
        neither.
        """
        return ({cls.played: source}, None) if cls.played and isinstance(source, str) else ({}, source)


@dataclass(frozen=True)
class Experience:
    """What a round of play gave: N positions, in the order in which they were played.

    `inputs` [N, …] and `targets` [N, …] are arrays of any type but objects (a record type holds several fields);
    `games` [N] numbers the game of each position, from 0 in every round. Each entry of an array is a value as the
    task's modalities know it. `state` is what the next round needs to go on from here: arrays by name, nothing where
    each round begins anew.
    """

    inputs: np.ndarray
    targets: np.ndarray
    games: np.ndarray
    state: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {len(self.inputs), len(self.targets), len(self.games)}
        if len(lengths) != 1:
            raise ValueError(f"inputs, targets and games of an experience are of different lengths: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.games)

    def examples(self) -> list[Example]:
        """The positions as examples, each in the group of its game."""
        rows = zip(self.inputs, self.targets, self.games.tolist(), strict=True)
        return [Example(x, y, f"game {game}") for x, y, game in rows]


class Player(Task):
    """A task that gathers what it learns from by playing. A subclass writes `play` and `matches` beside the rest."""

    Recipe: ClassVar[type[Recipe]] = PlayRecipe
    learns = Learning.PLAY
    document_nouns = ("game", "position")
    recipe: PlayRecipe

    @property
    def method(self) -> str:
        """How it learns, in words, where that was chosen by what is played; nothing by default."""
        return ""

    @abstractmethod
    def play(self, model: nn.Module, rng: np.random.Generator) -> Experience:
        """One round: some games played by `model`, which is in evaluation mode, without gradients.

        A function of the weights and `rng` alone, so that a training that was killed plays no game twice.
        """

    def follow(self, model: nn.Module, rng: np.random.Generator, before: Experience | None) -> Experience:
        """The round after `before` (None: the first, or that one is damaged), of which it may go on from the state.

        A function of the weights, `rng` and `before` alone. By default each round begins anew.
        """
        return self.play(model, rng)

    def feed(self, shards: Any, seed: int) -> Any:
        """What a training is fed with that learns from more than rounds; None, by default, for rounds of `follow`.

        It is a `sounding.training.feed.Feed`, and keeps what is to be looked at by a card in `shards`.
        """
        return None

    def absorb(self, model: nn.Module, experience: Experience) -> None:
        """Set in buffers of `model` what a round that was learnt from taught without a gradient: scales, say.

        To do it twice changes nothing. By default there is nothing of the kind.
        """
        return None

    def foretold(self, setting: Any, seconds: float | None, until: float | None, steps: int | None = None) -> str:
        """What becomes of it on this machine, and when: a sentence that is said before it starts; by default nothing.

        `setting` (`sounding.machine.setting.Setting`) is how it will compute, `seconds` or `steps` what it is given,
        `until` the value of the headline metric that is wanted. May take some seconds, to measure the pace.
        """
        return ""

    def told(self, experience: Experience, seconds: float) -> Sequence[str]:
        """What the person who waits is told of a round, `seconds` after the training began; by default nothing."""
        return ()

    def standing(self, records: Sequence[Record], model: nn.Module, earlier: nn.Module | None) -> Sequence[str]:
        """What the person who waits is told of matches beside the headline metric; by default nothing.

        `earlier` is the model as it was when matches were last played, to play against; None the first time.
        """
        return ()

    def conclude(self, experience: Experience) -> None:
        """Keep of the last round of a training, and of its state, what a card tells; by default nothing."""
        return None

    @abstractmethod
    def matches(self, model: nn.Module, rng: np.random.Generator) -> list[Record]:
        """Games against fixed opponents, or episodes: one record each, which `metrics` judge."""

    @property
    @abstractmethod
    def row_metrics(self) -> Sequence[Any]:
        """How the records of single positions are judged: how often the move is the one to be learnt, say."""

    def thinker(self, model: nn.Module) -> Any:
        """What plays against people and other programs with this model: a `sounding.games.thinking.Thinker`.

        Raises UsageError for what is no game of two players.
        """
        raise UsageError(f"{type(self).__name__} cannot be played against", fix="Name a run of a game of two players")

    def contest(self, model: nn.Module) -> Contest | None:
        """How a model plays a game for two, which the card plays otherwise than in matches; None, by default."""
        return None

    @property
    def ratings(self) -> tuple[int, int] | None:
        """Between which ratings the players were whose moves it has learnt; None where it does not tell them apart."""
        return None

    def agent(self, model: nn.Module) -> Any:
        """What acts in an environment with this model: a `sounding.environments.agent.Agent`.

        Raises UsageError for what acts in none.
        """
        raise UsageError(f"{type(self).__name__} acts in no environment", fix="Name a run that does")

    @property
    def recorded(self) -> Modality | None:
        """How a game that others played is read; None, by default, where the task learns by playing alone."""
        return None

    @property
    def document(self) -> Modality:
        """How a recorded game is read."""
        return self.input if self.recorded is None else self.recorded

    def with_data(self) -> Self:
        """The task as one that learns from recorded games. Raises UsageError where it does not read any."""
        if self.recorded is None:
            raise UsageError(
                f"{type(self).__name__} learns from {Learning.PLAY.value}, and takes no data", fix="Leave the data out"
            )
        other = copy.copy(self)
        other.learns = Learning.DOCUMENTS
        return other

    @property
    def plays(self) -> bool:
        """Whether it gathers what it learns from by playing, and does not read it."""
        return self.learns is Learning.PLAY

    @property
    def evaluates(self) -> bool:
        """Whether `evaluate` measures something else than rows: matches, unless the task learns from records."""
        return self.plays

    def evaluate(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """The records of matches; the rows are not looked at. The same opponents and openings each time.

        Of a task that learns from records, those of the rows.
        """
        return self.matches(model, stream("matches")) if self.plays else self.evaluate_rows(model, examples)

    def state(self) -> dict[str, Any]:
        """As of any task, and whether it learnt from records."""
        return super().state() | ({} if self.plays else {"records": True})

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Task:
        """The task that gave `state`."""
        task = super().restored(state)
        return task.with_data() if state.get("records") else task

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Positions played by a new model."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(entropy("demo"))
            model = built(self).eval()
        found: list[Example] = []
        with torch.inference_mode():
            while len(found) < n:
                found += self.play(model, rng).examples()
        return found[:n]
