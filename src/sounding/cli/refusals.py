"""What a verb says of inputs that it leaves out."""

from __future__ import annotations

import click

from sounding.errors import SoundingError


class Refusals:
    """Names each input that cannot be answered for, once, while the others are."""

    def __init__(self) -> None:
        self._named: set[str] = set()

    def __call__(self, error: SoundingError) -> None:
        """Name it on the error stream."""
        if str(error) not in self._named:
            self._named.add(str(error))
            click.echo(f"Not answered: {error}", err=True)

    @property
    def status(self) -> int:
        """What the command ends with."""
        return 1 if self._named else 0
