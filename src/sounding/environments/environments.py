"""N copies of an environment, stepped as one.

Legend of shapes: N copies, D numbers of a continuous action, T steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sounding.environments import chance
from sounding.environments.copies import Copies, CopyFailedError, Moved
from sounding.environments.history import History
from sounding.environments.making import copies_of
from sounding.environments.settings import Disturbance, Settings
from sounding.environments.sight import Sight
from sounding.environments.spec import Spec
from sounding.errors import TrainingError


class Step(NamedTuple):
    """What a step led to, for each of N copies.

    Where an episode ended, `obs` is already the beginning of the next one. `final_obs` is what the actions led to, in
    every copy: the same as `obs` where none ended. Rewards are as they were given. `life_lost` is true where a life was
    lost and the episode goes on.
    """

    obs: np.ndarray
    rewards: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    final_obs: np.ndarray
    life_lost: NDArray[np.bool_]

    @property
    def ended(self) -> NDArray[np.bool_]:
        """Where an episode ended, in whichever way."""
        return self.terminated | self.truncated


class Environments:
    """N copies of the environment called `name`, stepped as one and begun anew as they end.

    Each episode has a seed of its own: that of its copy, or for later episodes what follows from that and from the
    number of the episode. So an episode is a function of its seed and its actions, and so is all that is to come.
    """

    def __init__(
        self,
        name: str,
        n: int,
        settings: Settings | None = None,
        disturbance: Disturbance | None = None,
        threads: int = 1,
        rendering: bool = False,
    ) -> None:
        """`rendering`: whether `render` will be asked for, which some environments have to know ahead.

        Raises UsageError for a name that nobody knows, a missing package, and spaces that cannot be learnt from.
        """
        if n < 1:
            raise ValueError(f"{n} copies of an environment cannot be stepped")
        disturbance = disturbance or Disturbance()
        self.n = n
        self.settings = disturbance.of(settings or Settings())
        self._copies: Copies = copies_of(name, n, self.settings, threads, rendering)
        self.name = self.spec.name
        self._sight = Sight(disturbance, self.spec.observation)
        self._seeds = np.zeros(n, np.int64)
        self._episodes = np.zeros(n, np.int64)
        self._running = np.zeros(n, np.int64)
        self._steps = np.zeros(n, np.int64)
        self._lives = np.zeros(n, np.int64)
        self._history = History(n, self.spec.actions)

    # ---- what is known of it

    @property
    def spec(self) -> Spec:
        """What is seen and can be done, and what was put around it."""
        return self._copies.spec

    @property
    def episodes(self) -> NDArray[np.int64]:
        """[N]: how many episodes each copy has ended."""
        return self._episodes.copy()

    @property
    def episode_seeds(self) -> NDArray[np.int64]:
        """[N]: the seed of the episode that runs in each copy."""
        return self._running.copy()

    @property
    def steps(self) -> NDArray[np.int64]:
        """[N]: how many steps the episode has lasted that runs in each copy."""
        return self._steps.copy()

    # ---- playing

    def reset(self, seeds: Sequence[int] | NDArray[np.integer]) -> np.ndarray:
        """Begin the first episode of each copy with its seed [N], from 0 to below 2^31; the observations [N, …].

        Raises TrainingError for an environment that fails, as `step` does.
        """
        given = np.asarray(seeds, np.int64)
        if given.shape != (self.n,) or (given < 0).any() or (given >= chance.SEEDS).any():
            raise ValueError(f"{self.n} seeds from 0 to below 2^31 are needed, not {seeds}")
        self._seeds = given.copy()
        self._episodes[:] = 0
        self._history.clear()
        self._begin(np.arange(self.n))
        return self._seen()

    def step(self, actions: NDArray[np.integer] | NDArray[np.floating] | Sequence[int]) -> Step:
        """Play an action in each copy: numbers [N], or [N, D] which are brought within their limits.

        Raises TrainingError for an environment that raises, or gives what is not a number: which copy, its seed and
        step are named. Raises ValueError for actions that are none.
        """
        asked = self._history.checked(actions)
        everywhere = np.ones(self.n, np.bool_)
        done = self._history.repeated(asked, self._sticking(everywhere), everywhere)
        moved = self._move(done, everywhere)
        self._history.add(asked, done)
        truncated = self._cut(moved)
        life_lost = (moved.lives < self._lives) & ~moved.terminated & ~truncated
        self._lives = moved.lives.copy()
        self._sight.step(moved.observations)
        final_obs = obs = self._seen()
        ended = np.flatnonzero(moved.terminated | truncated)
        if len(ended):
            self._episodes[ended] += 1
            self._begin(ended)
            obs = self._seen()
        if not self.settings.life_loss:
            life_lost[:] = False
        return Step(obs, moved.rewards.astype(np.float32), moved.terminated, truncated, final_obs, life_lost)

    def render(self, copy: int = 0) -> NDArray[np.uint8]:
        """What a person would see of a copy: [H, W, 3], red, green and blue.

        Raises UsageError where the environment cannot be seen.
        """
        return self._copies.render(copy)

    # ---- stopping and going on

    def state(self) -> dict[str, np.ndarray]:
        """All that `restore` needs: for each copy its seed, its episode, and the actions since that began."""
        lengths, actions = self._history.actions()
        seen = self._seen()
        return {
            "seeds": self._seeds.copy(),
            "episodes": self._episodes.copy(),
            "lengths": lengths,
            "actions": actions,
            "seen": np.array([chance.fingerprint(row) for row in seen], np.uint64),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """Go on from a `state` of the same environment, by playing its episodes again; the observations [N, …].

        Raises TrainingError where they do not lead to what was seen then: the environment depends on more than its
        seed.
        """
        lengths = np.asarray(state["lengths"], np.int64)
        if lengths.shape != (self.n,):
            raise ValueError(f"the state is of {len(lengths)} copies, and these are {self.n}")
        self._seeds = np.asarray(state["seeds"], np.int64).copy()
        self._episodes = np.asarray(state["episodes"], np.int64).copy()
        self._history.clear()
        self._again(lengths, np.asarray(state["actions"]))
        seen = self._seen()
        found = np.array([chance.fingerprint(row) for row in seen], np.uint64)
        if (different := np.flatnonzero(found != state["seen"])).size:
            what = f"{self.name} does not do the same again, given the same seed and the same actions"
            raise TrainingError(
                f"{what} (copy {different[0]}, seed {self._running[different[0]]})",
                fix="Let reset(seed=…) decide all that happens: draw from self.np_random alone, and keep nothing of "
                "an earlier episode",
            )
        return seen

    def close(self) -> None:
        """Free what is held."""
        self._copies.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- inside

    def _begin(self, which: NDArray[np.int64]) -> None:
        """Begin the episodes whose turn it is in the copies `which`."""
        self._running[which] = chance.episode_seeds(self._seeds[which], self._episodes[which])
        observations, lives = self._begun(which)
        seen = np.zeros((self.n, *observations.shape[1:]), observations.dtype)
        seen[which] = observations
        self._steps[which] = 0
        self._history.begin(which)
        self._lives[which] = lives
        self._require_numbers(seen, np.zeros(self.n))
        self._sight.begin(self._idled(seen, which), which)

    def _begun(self, which: NDArray[np.int64]) -> tuple[np.ndarray, NDArray[np.int64]]:
        """What the copies `which` show as their episodes begin, and their lives."""
        try:
            return self._copies.begin(which, self._running[which])
        except CopyFailedError as error:
            raise self._failed(error, steps=0) from error.__cause__

    def _idled(self, seen: np.ndarray, which: NDArray[np.int64]) -> np.ndarray:
        """What is seen after the actions that do nothing with which an episode begins."""
        noop = self.spec.actions.noop
        if not self._copies.noop_max or noop is None:
            return seen
        wanted = np.zeros(self.n, np.int64)
        drawn = chance.uniform(self._running[which], np.full(len(which), IDLING))
        wanted[which] = np.floor(drawn * self._copies.noop_max)
        for k in range(int(wanted.max())):
            active = wanted > k
            moved = self._move(np.full(self.n, noop), active)
            if (ended := active & (moved.terminated | moved.truncated)).any():  # then it begins without them
                again = np.flatnonzero(ended)
                seen[again], self._lives[again] = self._begun(again)
                wanted[again] = 0
            going = active & ~ended
            seen[going], self._lives[going] = moved.observations[going], moved.lives[going]
        self._steps[which] = 0
        return seen

    def _again(self, lengths: NDArray[np.int64], actions: np.ndarray) -> None:
        """Play the running episodes again, all of which arrive at the same time."""
        longest = int(lengths.max())
        begins = longest - lengths
        offsets = np.cumsum(lengths) - lengths
        for t in range(longest + 1):
            if len(which := np.flatnonzero(begins == t)):
                self._begin(which)
            if t == longest:
                break
            active = begins <= t
            asked = np.zeros((self.n, *actions.shape[1:]), actions.dtype)
            asked[active] = actions[(offsets + t - begins)[active]]
            done = self._history.repeated(asked, self._sticking(active), active)
            moved = self._move(done, active)
            self._history.add(asked, done)
            self._lives = np.where(active, moved.lives, self._lives)
            self._sight.step(moved.observations)

    def _sticking(self, active: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """[N]: where the action before is repeated in place of a new one."""
        if not self._copies.sticky:
            return np.zeros(self.n, np.bool_)
        return active & (self._steps > 0) & (chance.uniform(self._running, self._steps) < self._copies.sticky)

    def _move(self, actions: np.ndarray, active: NDArray[np.bool_]) -> Moved:
        """Step the copies that are active."""
        try:
            moved = self._copies.step(actions, active)
        except CopyFailedError as error:
            raise self._failed(error, self._steps[error.copy] + 1) from error.__cause__
        self._steps[active] += 1
        self._require_numbers(moved.observations, moved.rewards)
        return moved

    def _cut(self, moved: Moved) -> NDArray[np.bool_]:
        """[N]: where an episode is cut off without having ended."""
        if self.settings.time_limit is None:
            return moved.truncated
        return moved.truncated | ((self._steps >= self.settings.time_limit) & ~moved.terminated)

    def _seen(self) -> np.ndarray:
        return self._sight.see(self._running, self._steps)

    def _require_numbers(self, observations: np.ndarray, rewards: np.ndarray) -> None:
        """Raises TrainingError for what is not a number in what an environment gave."""
        with np.errstate(over="ignore"):  # what does not fit is found to be infinite
            wrong = ~np.isfinite(rewards.astype(np.float32))
        what = "a reward"
        if not wrong.any() and observations.dtype.kind == "f":
            wrong = ~np.isfinite(observations).all(axis=tuple(range(1, observations.ndim)))
            what = "an observation"
        if wrong.any():
            copy = int(np.flatnonzero(wrong)[0])
            raise self._failed(CopyFailedError(copy, f"gave {what} that is not finite"), int(self._steps[copy]))

    def _failed(self, error: CopyFailedError, steps: int) -> TrainingError:
        """The error of a copy, with what it takes to see it again."""
        place = f"in step {steps} of an episode" if steps else "as an episode began"
        seed = int(self._running[error.copy])
        return TrainingError(
            f"{self.name} {error.what}, {place} (copy {error.copy}, seed {seed})",
            fix=f"Mend the environment: reset(seed={seed}) and the same actions bring it about again",
        )


IDLING = 2**62
"""The counter of the chance that decides how long nothing is done at the beginning of an episode."""
