"""What `play` does in an environment: an agent is watched, or a person plays."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sounding.errors import UsageError
from sounding.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sounding.runs.model import Model
    from sounding.runs.watching import Choose, Show, Watched

AN_ENVIRONMENT = re.compile(r".*-v\d+$|MinAtar/\w+$")


@dataclass(frozen=True)
class Wishes:
    """How it is to be watched: `out` is a film, `record` a folder of recordings; `explain` the attribution."""

    out: str | None = None
    record: str | None = None
    explain: bool = False
    episodes: int = 1
    seed: int | None = None

    def given(self) -> list[str]:
        """What was asked for, as it is written."""
        asked = {"--out": self.out, "--record": self.record, "--explain": self.explain, "--episodes": self.episodes > 1}
        return [word for word, value in asked.items() if value]


def is_environment(name: str) -> bool:
    """Whether a name is an environment's and no run's: CartPole-v1, ALE/Pong-v5, mine.py:Mine-v0."""
    return AN_ENVIRONMENT.match(name) is not None and not Path(name).exists()


def require_none(wishes: Wishes, run: str) -> None:
    """Raise UsageError for wishes of how to be watched, where a run is played against."""
    if asked := wishes.given():
        raise UsageError(f"{' and '.join(asked)}: {run} acts in no environment", fix="Leave it out")


def watch(model: Model, wishes: Wishes) -> None:
    """Watch a run act, at the terminal or in a film."""
    from sounding.environments.filming import film, require_writable
    from sounding.runs import watching

    if wishes.out:
        require_writable(Path(wishes.out))
    agent = model.agent
    task_input = model.task.input
    films: list[np.ndarray] = []
    rate = watching.rate_of(agent.spec)
    shown = None if wishes.out or wishes.record or not _at_terminal() else _paced(rate)
    with agent.environments(1, rendering=not wishes.explain) as environments:
        seen_as = (
            watching.Explained(model).picture if wishes.explain else watching.drawn_by(environments, task_input, _noted)
        )
        for number in range(wishes.episodes):
            seed = (wishes.seed or 0) + number
            found = watching.watch(environments, agent.act, shown, seed, str(model.dir), seen_as)
            if found is None:
                return
            films += found.pictures
            click.echo(_told(found, number))
            _record(found, wishes)
    if wishes.out:
        film(Path(wishes.out), films, rate)
        click.echo(f"{counted(len(films), 'picture')} at {rate:g} a second: {wishes.out}")


def person_plays(name: str, wishes: Wishes) -> None:
    """A person plays with keys; what was played is recorded where a folder is named."""
    from sounding.environments import Environments, Settings
    from sounding.environments.terminal import keyboard, keys_of
    from sounding.modalities.observations import sensed
    from sounding.runs import watching

    if wishes.out or wishes.explain:
        raise UsageError("--out and --explain are for a run that is watched", fix="Name a run, or leave them out")
    with Environments(name, 1, Settings(sticky=0.0), rendering=True) as environments:
        keys = keys_of(environments.spec.actions)
        seen_as = watching.drawn_by(environments, sensed(environments.spec.observation), _noted)
        choose, show = _by_keys(keys, environments.spec.actions.noop or 0, watching.rate_of(environments.spec))
        with keyboard():
            played = []
            for number in range(wishes.episodes):
                seed = (wishes.seed or 0) + number
                found = watching.watch(environments, choose, show, seed, "person", seen_as)
                if found is None:
                    break
                played.append(found)
    for number, found in enumerate(played):
        click.echo(_told(found, number))
        _record(found, wishes)


def _by_keys(keys: Mapping[str, int], still: int, rate: float) -> tuple[Choose, Show]:
    """(what a person chooses in each step, how the step is shown): a key holds until the next step."""
    import numpy as np

    from sounding.environments.terminal import QUIT, pressed, shown

    def choose(seen: np.ndarray) -> np.ndarray | None:
        key = pressed(1 / min(rate, 20.0))
        return None if key in QUIT else np.array([keys.get(key, still)])

    def show(picture: NDArray[np.uint8], words: str) -> None:
        click.echo(shown(picture, f"{words}   q stops"), nl=False)

    return choose, show


def _paced(rate: float) -> Show:
    """Pictures at a terminal, `rate` of them a second at most."""
    from sounding.environments.terminal import CLEAR, shown

    click.echo(CLEAR, nl=False)
    last = [0.0]

    def show(picture: NDArray[np.uint8], words: str) -> None:
        time.sleep(max(0.0, last[0] + 1 / rate - time.monotonic()))
        last[0] = time.monotonic()
        click.echo(shown(picture, words), nl=False)

    return show


def _at_terminal() -> bool:
    return sys.stdout.isatty()


def _noted(words: str) -> None:
    click.echo(f"Note: {words}", err=True)


def _told(found: Watched, number: int) -> str:
    played = found.recording
    end = "" if played.ended else ", stopped"
    return f"episode {number + 1}: score {played.score:g} in {counted(len(played), 'step')}, seed {played.seed}{end}"


def _record(found: Watched, wishes: Wishes) -> None:
    from sounding.environments.recording import free_name

    if wishes.record:
        path = free_name(Path(wishes.record))
        found.recording.save(path)
        click.echo(f"recorded: {path}")
