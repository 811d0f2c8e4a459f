"""What the package plays by itself, served: `sounding serve chess` needs no run.

Networks of the package are models as any other. An engine has no inputs to be asked about: it plays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from sounding.errors import UsageError
from sounding.exports.runtime import ExportedTask
from sounding.games import shipped

if TYPE_CHECKING:
    from sounding.games.thinking import Thinker


def place_of(word: Path) -> Path | None:
    """Where what the package plays by that name lies: a network in its folder, an engine nowhere; None for a run."""
    name = str(word)
    return word if shipped.is_shipped(name) else shipped.net_of(name)


def is_engine(place: Path) -> bool:
    """Whether it is a game that an engine of the package plays."""
    return shipped.is_shipped(str(place))


@dataclass(frozen=True)
class Engine:
    """An engine in the place of a model. Raises UsageError wherever it is asked anything but to play."""

    name: str
    task: ExportedTask
    batch: int = field(default=1, init=False)

    @classmethod
    def of(cls, place: Path) -> Engine:
        """The engine of a game, which looks as the application of that game does."""
        from sounding import catalog  # torch comes with it, which exported models do without

        application = catalog.find(str(place))
        task = application(application.Recipe.make("tiny", {}))
        return cls(str(place), ExportedTask(task.input, task.target))

    @property
    def summary(self) -> str:
        """What it is, in a sentence."""
        return f"The engine of the package: {self.name} without a run."

    @cached_property
    def thinker(self) -> Thinker:
        """What plays."""
        return shipped.shipped(self.name)

    def _refuse(self, *inputs: Any, **named: Any) -> NoReturn:
        fix = f"Ask a run about positions: sounding train {self.name}; the engine is asked at /v1/play"
        raise UsageError(f"the engine of {self.name} plays, and answers nothing else", fix=fix)

    read = answer = explain = stream = _refuse
