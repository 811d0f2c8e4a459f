"""Episodes that others played, a person or another agent, to be imitated: behaviour cloning.

    RECORDINGS           the layout: files .npz of `sounding play … --record`
    RecordedEpisodes     reads one and refuses what is of another environment
    RecordedSteps        the steps of some episodes as examples: what was seen, what was done, and the return that came
    recorded_environment what is played in most of the recordings of a place

An example's `expected` is the discounted sum of the rewards that followed in its episode, so that the value learns what
came of what was done (Pomerleau 1991 for the policy alone).

Legend of shapes: T steps, N steps of all episodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np

from sounding.contract.inputs import Assembled, AssembledValues, Divisible, TableCells
from sounding.contract.layouts import Layout
from sounding.contract.modality import Modality, Row
from sounding.contract.records import Example
from sounding.contract.split_names import split_above
from sounding.environments.recording import FIX, SUFFIX, Recording, environment_in, read
from sounding.environments.settings import Settings
from sounding.environments.spec import Spec
from sounding.errors import DataError
from sounding.folders import place, require_path, walk, with_suffix
from sounding.modalities.actions.decision import Decision
from sounding.wording import counted


@dataclass(frozen=True, eq=False)
class RecordedEpisode:
    """T steps of an episode, or of a stretch of one: `returns` [T] are discounted, over all that followed.

    `score` is the sum of the rewards of the whole episode, `length` its steps, and `by` who played.
    """

    observations: np.ndarray
    actions: np.ndarray
    returns: np.ndarray
    score: float
    length: int
    by: str

    def __len__(self) -> int:
        return len(self.actions)

    def stretch(self, begin: int, end: int) -> RecordedEpisode:
        """Its steps from `begin` to before `end`."""
        part = slice(begin, end)
        return replace(
            self, observations=self.observations[part], actions=self.actions[part], returns=self.returns[part]
        )


class RecordedEpisodes(Assembled, Divisible):
    """Recordings of the environment of `spec`. Few are divided, so that something is held out of each."""

    noun = "episode"
    asked = "RECORDING"
    suffixes = (SUFFIX,)

    def __init__(self, spec: Spec, gamma: float) -> None:
        self.spec, self.gamma = spec, gamma

    def assemble(self, table: TableCells) -> AssembledValues:
        """There are none in tables."""
        raise DataError("no recordings are in a table", where=table.name, fix="Name a folder of files .npz")

    def read(self, cell: Any, root: Path = Path()) -> RecordedEpisode:
        """The episode of a file. Raises DataError for what is no recording, or one of something else."""
        if not self.names_file(cell, root):
            raise DataError(f"{str(cell)[:20]!r} is no recording", fix=FIX)
        try:
            found = read(root / cell)
        except DataError as error:  # the caller says where
            raise DataError(error.what, fix=error.fix) from None
        self._require_its_own(found)
        return RecordedEpisode(
            found.observations.astype(self.spec.observation.dtype, copy=False),
            found.actions.astype(np.int64 if self.spec.actions.discrete else np.float32),
            discounted(found.rewards, self.gamma),
            found.score,
            len(found),
            found.by,
        )

    def _require_its_own(self, found: Recording) -> None:
        """Raise DataError for an episode of another environment, or one in which other things are seen or done."""
        shown, actions, mine = self.spec.observation, self.spec.actions, self.spec.name
        if found.environment != mine:
            what = f"this is of {found.environment}, and {mine} is learnt"
            raise DataError(what, fix="Keep recordings of each environment in a folder of their own")
        if seen_as(found.settings) != seen_as(Settings()) or found.observations.shape[1:] != shown.shape:
            what = f"what is seen in it is not what an agent sees: {found.observations.shape[1:]}, {found.settings}"
            raise DataError(what, fix=f"Record it anew: sounding play {mine} --record FOLDER")
        done, shape = found.actions, (len(found),) if actions.discrete else (len(found), actions.n)
        known = done.shape == shape and np.isfinite(done).all()
        if not known or (actions.discrete and ((done < 0) | (done >= actions.n)).any()):
            raise DataError(f"an action in it is none of {mine}", fix="Record it anew, or leave it out")
        if not np.isfinite(found.rewards).all() or not np.isfinite(found.observations).all():
            raise DataError("a number in it is not finite", fix="Record it anew, or leave it out")

    def divide(self, value: RecordedEpisode, shares: Sequence[float]) -> list[RecordedEpisode]:
        """Stretches of an episode."""
        cuts = [round(len(value) * share) for share in np.cumsum([0.0, *shares])]
        return [value.stretch(begin, end) for begin, end in pairwise(cuts)]

    def encode(self, values: Sequence[RecordedEpisode]) -> Any:
        """There is none: steps are encoded, and not episodes."""
        raise NotImplementedError("an episode is encoded step by step")

    def describe(self, value: RecordedEpisode) -> str:
        """How long it is, and what it gave."""
        return f"an episode of {counted(value.length, 'step')}, score {value.score:g}, by {value.by}"


@dataclass(frozen=True)
class Teacher:
    """Who is imitated: `by` whom the episodes are, the score of each, and the deviation of the returns in them."""

    by: tuple[str, ...]
    scores: tuple[float, ...]
    scale: float

    @classmethod
    def of(cls, episodes: Sequence[RecordedEpisode]) -> Self:
        """Who played these."""
        returns = np.concatenate([episode.returns for episode in episodes])
        by = tuple(sorted({episode.by for episode in episodes}))
        return cls(by, tuple(episode.score for episode in episodes), max(float(returns.std()), 1e-4))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The one that gave `values`."""
        return cls(tuple(values["by"]), tuple(values["scores"]), float(values["scale"]))

    def __str__(self) -> str:
        who = " and ".join(self.by)
        return f"{counted(len(self.scores), 'episode')} by {who} with a mean score of {np.mean(self.scores):.4g}"


class RecordedSteps(Sequence[Example]):
    """The steps of some episodes: what was done is the answer, by a teacher who is to be imitated."""

    def __init__(self, episodes: Sequence[RecordedEpisode], target: Decision, scale: float) -> None:
        found = [episode for episode in episodes if len(episode)]
        self._observations = [episode.observations for episode in found]
        self._first = np.cumsum([0, *map(len, found)])
        actions, returns = (
            np.concatenate([getattr(each, name) for each in found]) if found else np.zeros(0)
            for name in ("actions", "returns")
        )
        self.targets: Any = target.taught(actions, returns, scale)

    def __len__(self) -> int:
        return int(self._first[-1])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        step = range(len(self))[int(index)]
        episode = int(np.searchsorted(self._first, step, side="right")) - 1
        seen = self._observations[episode][step - self._first[episode]]
        return Example(seen, self.targets[step], f"episode {episode + 1}")


def discounted(rewards: np.ndarray, gamma: float) -> np.ndarray:
    """The discounted sum [T] of the rewards [T] from each step on."""
    found, ahead = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        ahead = float(rewards[t]) + gamma * ahead
        found[t] = ahead
    return found


def seen_as(settings: Settings) -> tuple[object, ...]:
    """What of the settings decides what is seen in a step."""
    return settings.frame_skip, settings.size, settings.grey, settings.stack


def is_place(source: str | Path) -> bool:
    """Whether a word is a file or a folder of recordings, and no environment: it is there, or looks like one."""
    return isinstance(source, Path) or source.endswith(("/", SUFFIX)) or Path(source).is_dir()


def recorded_environment(path: Path) -> tuple[str, Path]:
    """The environment of most recordings in a file or a folder, and one of them.

    Raises DataError where there is none, or none can be read.
    """
    require_path(path)
    files = [path] if path.is_file() else with_suffix(walk(path), (SUFFIX,))
    names: dict[str, Path] = {}
    counts: Counter[str] = Counter()
    broken: DataError | None = None
    for file in files:
        try:
            name = environment_in(file)
        except DataError as error:
            broken = broken or error
            continue
        names.setdefault(name, file)
        counts[name] += 1
    if not counts:
        raise broken or DataError("there are no recordings here", where=str(path), fix=FIX)
    most = counts.most_common(1)[0][0]
    return most, names[most]


def _rows(path: Path, input: Modality, target: Modality | None = None) -> Iterator[Row] | None:
    """A row for each file .npz, of the split that a folder above it is called after."""
    if path.is_file():
        return iter([Row(path.name, str(path.absolute()))]) if path.suffix.lower() == SUFFIX else None
    files = with_suffix(walk(path), (SUFFIX,))
    if not files:
        return None
    return (Row(place(file, path), str(file.absolute()), split=split_above(file, path)) for file in files)


RECORDINGS = Layout("recordings (.npz)", _rows)
