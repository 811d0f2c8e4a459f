"""Which kind of environment a name stands for."""

from __future__ import annotations

from sounding.environments.copies import Copies
from sounding.environments.settings import Settings

MINATAR = "MinAtar/"


def copies_of(name: str, n: int, settings: Settings, threads: int, rendering: bool) -> Copies:
    """N copies of the environment called `name`: of MinAtar, of Atari's (ALE), or any that gymnasium knows.

    Raises UsageError for a name that nobody knows, and where a package is missing.
    """
    if name.startswith(MINATAR):
        from sounding.environments.minatar import MinAtarCopies

        return MinAtarCopies(name, n, settings)
    from sounding.environments import registry

    registry.require_known(name)
    if (game := registry.atari_game(name)) is not None:
        from sounding.environments.atari import AtariCopies

        return AtariCopies(name, game, n, settings, threads, rendering)
    from sounding.environments.gymnasium_copies import GymnasiumCopies

    return GymnasiumCopies(name, n, settings, rendering)
