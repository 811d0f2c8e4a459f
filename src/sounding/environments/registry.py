"""The environments that gymnasium knows by name, and which of them are Atari's."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sounding.environments.minatar_names import MINATAR_IDS
from sounding.errors import UsageError, did_you_mean

try:
    import gymnasium
except ImportError:
    what = "environments are those of the package gymnasium, which is missing"
    raise UsageError(what, fix="Install it: pip install 'sounding[arcade]'") from None

ATARI = "ale_py.env:AtariEnv"
OF_ATARI = re.compile(r"(ALE/.+|[A-Z][A-Za-z0-9]*(NoFrameskip)?-v[04])$")


@dataclass(frozen=True)
class AtariGame:
    """A game by its file name ("pong"), with what its id says."""

    rom: str
    sticky: float
    full_actions: bool
    frames: int | None


def require_known(name: str) -> None:
    """Raise UsageError, with what may be meant, for a name that gymnasium does not know.

    "module:Id-v0" and "folder/file.py:Id-v0" are imported first, as they register it.
    """
    module, _, name_within = name.rpartition(":")
    if module:
        _import(module, name)
    if name_within in gymnasium.registry:
        return
    _register_atari()
    if name_within in gymnasium.registry:
        return
    if OF_ATARI.match(name_within) and not _has_ale():
        raise UsageError(
            f"{name_within} is a game of Atari's, and the package ale-py is missing",
            fix="Install it: pip install 'sounding[arcade]'",
        )
    raise UsageError(f"no environment is called {name!r}", fix=_meant(name_within))


def registered(name: str) -> Any:
    """Gymnasium's own record (`EnvSpec`) of a known name."""
    return gymnasium.registry[name.rpartition(":")[2]]


def atari_game(name: str) -> AtariGame | None:
    """The game, where a known name is one of Atari's that is seen as a screen."""
    record = registered(name)
    told: Mapping[str, Any] = record.kwargs
    if record.entry_point != ATARI or told.get("obs_type", "rgb") == "ram":
        return None
    return AtariGame(
        told["game"],
        float(told.get("repeat_action_probability", 0.25)),
        bool(told.get("full_action_space", False)),
        told.get("max_num_frames_per_episode"),
    )


def _meant(name: str) -> str:
    known = [*gymnasium.registry, *MINATAR_IDS]
    folded = {each.casefold(): each for each in known}
    hint = did_you_mean(name.casefold(), folded)
    if not hint.startswith("Did you mean "):
        near = [each for each in known if name.casefold().split("-v")[0] in each.casefold()]
        listed = f"Known are {', '.join(near[:5])}. " if near else ""
        return f"{listed}An id looks like CartPole-v1; your own: module:Id-v0, or file.py:Id-v0"
    return f"Did you mean {folded[hint.removeprefix('Did you mean ').removesuffix('?')]}?"


def _has_ale() -> bool:
    return importlib.util.find_spec("ale_py") is not None


def _register_atari() -> None:
    if _has_ale():
        gymnasium.register_envs(importlib.import_module("ale_py"))


def _import(module: str, name: str) -> None:
    """Import what registers an environment. Raises UsageError where that cannot be."""
    try:
        with _from_here():
            if module.endswith(".py"):
                _run_file(Path(module))
            else:
                importlib.import_module(module)
    except Exception as error:
        found = f"{module} cannot be imported for {name}: {type(error).__name__}: {error}"
        raise UsageError(found, fix="Name a module, or a file, that registers it") from error


def _run_file(path: Path) -> None:
    title = f"sounding_environment_{path.stem}"
    if title in sys.modules:
        return
    found = importlib.util.spec_from_file_location(title, path)
    if found is None or found.loader is None:
        raise ImportError(f"no module in {path}")
    module = importlib.util.module_from_spec(found)
    sys.modules[title] = module  # where gymnasium looks for a class that is named by its module
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[title]
        raise


@contextlib.contextmanager
def _from_here() -> Iterator[None]:
    """Modules are looked for in the current folder as well."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)
