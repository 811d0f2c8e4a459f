"""Finds an application by its name or by the path of its file. The only importer of applications.

An application is a module with one subclass of Task in it. Those of the package lie in `applications/`, one file each,
and are called by the file's name; anybody else's is called by its path. There is no list to edit.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

from sounding.engine.task import Task
from sounding.errors import UsageError, did_you_mean
from sounding.randomness import entropy

_HERE = Path(__file__).parent / "applications"


def names() -> dict[str, str]:
    """Name → module of every application in the package, found without importing them."""
    files = (f for f in sorted(_HERE.rglob("*.py")) if not f.name.startswith("_"))
    return {f.stem: ".".join(("sounding.applications", *f.relative_to(_HERE).with_suffix("").parts)) for f in files}


def find(name: str) -> type[Task]:
    """The application called `name`, or the one in the file `name` points at.

    Raises UsageError when there is none, or when the file does not hold exactly one.
    """
    if is_path(name):
        return _only_task(_load(Path(name)), name)
    known = names()
    if name not in known:
        fix = f"{did_you_mean(name, known)}. An application of your own is named by its path: ./{name}.py"
        raise UsageError(f"no application is called {name!r}", fix=fix)
    return _only_task(importlib.import_module(known[name]), name)


def is_path(name: str) -> bool:
    """Whether `name` points at a file rather than into the package."""
    return name.endswith(".py")


def summary(task: type[Task]) -> str:
    """The first line of an application's docstring: its help text."""
    return (inspect.getdoc(task) or "").split("\n")[0]


def _load(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError("there is no such file", where=str(path), fix="Name the .py file that holds the application")
    name = f"sounding_application_{path.stem}_{entropy(path.resolve()):x}"
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


def _only_task(module: ModuleType, name: str) -> type[Task]:
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
    return found[0]
