"""The floors of the house: imports go down only, and what measures a model knows no application by name.

    cli → api, serve → exports → runs → card, catalog → applications | challenges → inspection → training → evaluation
    → data, decoding, search, arena, postprocessing → machine, modalities | architectures, games, environments →
    contract → drawing, errors, files, folders, randomness, wording

Between applications and challenges, and between modalities and architectures, there is no door.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "sounding"

FLOORS = {
    **dict.fromkeys(("__init__", "__main__", "cli"), 13),  # the front door: the public names and the verbs
    **dict.fromkeys(("api", "estimator", "serve"), 12),
    "exports": 11,  # a run for programs without torch
    "runs": 10,  # a run from plan to folder, and the trained model
    **dict.fromkeys(("card", "catalog"), 9),
    **dict.fromkeys(("applications", "challenges"), 8),
    "inspection": 7,
    "training": 6,
    "evaluation": 5,
    **dict.fromkeys(("data", "decoding", "search", "arena", "postprocessing"), 4),  # search and matches know no rules
    **dict.fromkeys(("machine", "modalities", "architectures", "games", "environments"), 3),
    "contract": 2,
    **dict.fromkeys(("drawing", "errors", "files", "folders", "randomness", "wording"), 1),
}
NO_DOOR = [{"applications", "challenges"}, {"modalities", "architectures"}]
BLIND = (
    "contract",
    "machine",
    "data",
    "evaluation",
    "training",
    "inspection",
    "challenges",
    "card",
)  # packages that may not name an application


def room(path: Path, source: Path = SOURCE) -> str:
    """The part of the house that a file belongs to: "training", "cli"."""
    return path.relative_to(source).parts[0].removesuffix(".py")


@cache
def tree(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(path.read_text())


def imports(path: Path, source: Path = SOURCE) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import in a file that stays in the package, also inside functions."""
    inside = path.relative_to(source).parent.parts
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name.split(".")[0] == "sounding")
        elif isinstance(node, ast.ImportFrom):
            base = ("sounding", *inside)[: len(inside) + 2 - node.level] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            if module == "sounding":
                yield from ((node.lineno, f"sounding.{alias.name}") for alias in node.names)
            elif module.startswith("sounding."):
                yield node.lineno, module


def climbs(path: Path, source: Path = SOURCE) -> list[str]:
    """The imports of a file that go up, sideways through a wall, or to a place that is on no floor."""
    found = []
    here = room(path, source)
    for line, name in imports(path, source):
        parts = name.split(".")
        there = parts[1] if len(parts) > 1 and parts[1] in FLOORS else "__init__"
        if here == there:
            continue
        if here not in FLOORS or FLOORS[here] < FLOORS[there] or {here, there} in NO_DOOR:
            found.append(f"{path.name}:{line}: {here} imports {name}")
    return found


def applications(source: Path = SOURCE) -> list[str]:
    """An application is a file in one of the areas, or a folder with a task."""
    places = [place for place in (source / "applications").glob("*/*") if not place.name.startswith("_")]
    return [place.stem for place in places if place.is_file() or (place / "task.py").exists()]


def names_of_applications(path: Path, source: Path = SOURCE) -> list[str]:
    """Where a file writes the name of an application module as a name or in code strings (docstrings may tell of them).

    `classify` is a word of English as well, so a name counts as code only: identifiers, and whole strings.
    """
    known = set(applications(source))
    found = []
    for node in ast.walk(tree(path)):
        words = {
            ast.Name: lambda n: [n.id],
            ast.Attribute: lambda n: [] if hasattr(str, n.attr) else [n.attr],  # strings can be translated
            ast.alias: lambda n: n.name.split("."),
            ast.Constant: lambda n: [n.value.strip()] if isinstance(n.value, str) else [],
        }.get(type(node), lambda n: [])(node)
        found += [f"{path.name}:{node.lineno}: names {word}" for word in words if word.lower() in known]
    return found


def files(source: Path = SOURCE) -> list[Path]:
    return sorted(source.rglob("*.py"))


def plant(tmp_path: Path, name: str, text: str) -> Path:
    """A house of one bad file, and an application called detect."""
    for place, content in {"applications/vision/detect.py": "", name: text}.items():
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / name


# ---- the house as it is


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down_only(path):
    assert climbs(path) == []


def test_every_room_is_on_a_floor():
    rooms = {room(path) for path in files()}
    assert rooms <= set(FLOORS), "a new package or module at the top needs its floor here"


def test_the_walk_sees_the_house():
    names = {name for path in files() for _, name in imports(path)}
    assert len(files()) > 30
    assert {"sounding.errors", "sounding.contract.task", "sounding.contract.modality"} <= names


@pytest.mark.parametrize("package", BLIND)
def test_what_measures_knows_no_application(package):
    assert [line for path in files() if room(path) == package for line in names_of_applications(path)] == []


# ---- the checker itself


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("training/bad.py", "from sounding.challenges.energy import measure"),
        ("training/bad.py", "def f():\n    import sounding.applications.vision.detect.task"),
        ("training/bad.py", "from ..card import card"),
        ("training/bad.py", "from sounding import api"),
        ("training/bad.py", "import sounding"),
        ("errors.py", "from sounding.contract.task import Task"),
        ("challenges/bad.py", "from sounding.applications.vision import detect"),
        ("applications/vision/bad.py", "from sounding.challenges import energy"),
        ("applications/vision/bad.py", "from ...challenges import energy"),
        ("modalities/bad.py", "from sounding.architectures.layers import initialise"),
        ("architectures/bad.py", "from sounding.modalities.pictures.image import Image"),
        ("somewhere/bad.py", "from sounding.errors import DataError"),
    ],
)
def test_a_bad_import_is_found(tmp_path, name, text):
    path = plant(tmp_path, name, text)
    assert len(climbs(path, tmp_path)) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("training/good.py", "import numpy\nfrom sounding.contract.modality import Modality\nfrom . import task"),
        ("applications/vision/good.py", "from sounding.architectures.cnn import ResNet\nfrom ...contract import task"),
        ("card/good.py", "from sounding.challenges import energy"),
    ],
)
def test_a_good_import_is_left_alone(tmp_path, name, text):
    path = plant(tmp_path, name, text)
    assert climbs(path, tmp_path) == []


@pytest.mark.parametrize("text", ['if name == "detect": pass', "detect(x)", "from x import detect", "task.Detect()"])
def test_a_named_application_is_found(tmp_path, text):
    path = plant(tmp_path, "challenges/bad.py", text)
    assert any(re.search("detect", line, re.I) for line in names_of_applications(path, tmp_path))


def test_a_docstring_may_tell_of_an_application(tmp_path):
    path = plant(tmp_path, "challenges/good.py", '"""For people who detect things."""\nx = "detected"')
    assert names_of_applications(path, tmp_path) == []
