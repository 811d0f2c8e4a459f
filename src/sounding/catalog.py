"""Finds an application by its name or by the path of its file. The only importer of applications.

An application is a file with one subclass of Task in it, or a folder whose `task.py` is that file and which keeps what
serves the application alone; `verbs.py` in it may add a group of commands. Those of the package lie in `applications/`
and are called by the name of the file or folder; anybody else's is called by its path. There is no list to edit.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from sounding.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from sounding.contract.task import Task

_HERE = Path(__file__).parent / "applications"
TASK = "task.py"
"""The file of an application that is a folder."""


def names() -> dict[str, str]:
    """Name → module of every application in the package, found without importing them."""
    places = sorted(
        (place for area in _HERE.iterdir() if area.is_dir() for place in area.iterdir()), key=lambda p: p.stem
    )
    files = (place / TASK if place.is_dir() else place for place in places if not place.name.startswith("_"))
    return {_called(file): _module(file) for file in files if file.suffix == ".py" and file.exists()}


def verbs() -> dict[str, str]:
    """Name → module of the commands that an application brings along, found without importing them."""
    files = (file.with_name("verbs.py") for area in _HERE.iterdir() if area.is_dir() for file in area.glob(f"*/{TASK}"))
    return {file.parent.name: _module(file) for file in files if file.exists()}


def find(name: str) -> type[Task]:
    """The application called `name`, or the one in the file `name` points at.

    Raises UsageError when there is none, or when the file does not hold exactly one.
    """
    if is_path(name):
        return _only_task(_load(Path(name)), name)
    known = names()
    if name not in known:
        near = did_you_mean(name, known)
        fix = f"{near}{'' if near.endswith('?') else '.'} An application of your own is named by its path: ./{name}.py"
        raise UsageError(f"no application is called {name!r}", fix=fix)
    return _only_task(importlib.import_module(known[name]), name)


def is_path(name: str) -> bool:
    """Whether `name` points at a file or a folder with one rather than into the package."""
    return name.endswith(".py") or "/" in name


def checked(task: str | type[Task]) -> type[Task]:
    """The application that `task` names, or is. Raises UsageError for one that lacks what every task has to define."""
    if isinstance(task, str):
        return find(task)
    _require_complete(task, place_of(task))
    return task


def place_of(task: type[Task]) -> str:
    """What finds an application again: its name in the package, or the path of its file or folder.

    Raises UsageError for a class that lies in no file.
    """
    file = getattr(sys.modules[task.__module__], "__file__", None)
    if file is None:
        what = f"{task.__name__} lies in no file, and a run could not be opened again without it"
        raise UsageError(what, fix="Save the class in a file, and name its path or import it from there")
    place = Path(file).resolve()
    if task.__module__.startswith("sounding."):
        return _called(place)
    return str(place.parent if place.name == TASK else place)


def name_of(task: type[Task]) -> str:
    """What an application is called: the name of its file or folder."""
    return Path(place_of(task)).stem


def summary(task: type[Task]) -> str:
    """The first line of an application's docstring: its help text."""
    return (inspect.getdoc(task) or "").split("\n")[0]


def _load(path: Path) -> ModuleType:
    path = path / TASK if path.is_dir() else path
    if not os.path.isfile(path):
        raise UsageError("there is no such file", where=str(path), fix="Name the .py file that holds the application")
    name = f"sounding_application_{path.stem}_{blake2b(os.fsencode(path.resolve()), digest_size=8).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a .py file always has a specification
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    sys.path.insert(0, str(path.resolve().parent))  # so that it may import what lies beside it
    try:
        spec.loader.exec_module(module)
    except Exception:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module


def _called(file: Path) -> str:
    return file.parent.name if file.name == TASK else file.stem


def _module(file: Path) -> str:
    return ".".join(("sounding", *file.relative_to(_HERE.parent).with_suffix("").parts))


def _only_task(module: ModuleType, name: str) -> type[Task]:
    from sounding.contract.task import Task  # torch comes with it, and names and verbs do without

    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Task) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        listed = ", ".join(sorted(c.__name__ for c in found)) or "none"
        raise UsageError(
            f"a file holds one subclass of Task, this one {listed}", where=name, fix="Give each its own file"
        )
    _require_complete(found[0], name)
    return found[0]


def _require_complete(task: type[Task], where: str) -> None:
    missing = sorted(getattr(task, "__abstractmethods__", ()))
    if missing:
        listed = ", ".join(missing)
        fix = f"Write {'it' if len(missing) == 1 else 'them'}: sounding.contract.task says what each is given and gives"
        raise UsageError(f"the application {task.__name__} does not define {listed}", where=where, fix=fix)
