"""The documentation agrees with the code: links, verbs and options, the recipe's defaults, the sections of the card."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import click
import pytest

from sounding import catalog
from sounding.applications.vision.classify import Classify
from sounding.card.card import sections
from sounding.cli import cli

SECTIONS = sections()

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.S | re.M)
SHELL = re.compile(r"[|;&]\s|\s#\s|>\s")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file(page):
    targets = [t.partition("#")[0] for t in LINK.findall(FENCE.sub("", page.read_text())) if "://" not in t]
    missing = [t for t in targets if t and not (page.parent / t).exists()]
    assert not missing, f"{page.name} links to {missing}"


def test_every_page_is_in_the_index():
    listed = set(LINK.findall((ROOT / "docs" / "index.md").read_text()))
    unlisted = {page.name for page in PAGES[1:]} - {"index.md"} - listed
    assert not unlisted, f"docs/index.md does not list {unlisted}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_code_blocks_exist(page):
    wrong = [f"{line}: {fault}" for line in _commands(page.read_text()) if (fault := _fault(line))]
    assert not wrong, "\n".join([page.name, *wrong])


def test_the_check_of_commands_finds_what_is_wrong():
    text = "```\n$ sounding trian classify x\nsounding eval RUN --json\nsounding card RUN --full  # fine\n```\n"
    assert [bool(_fault(line)) for line in _commands(text)] == [True, True, False]
    assert _fault("sounding train classify x --set")
    assert _fault("sounding train classify x --widht 3")
    assert not _fault("sounding train classify x --width 3 --image-size=64")
    assert not _fault("sounding train classify --resume")


def test_every_field_of_the_recipe_stands_in_the_table_with_its_default():
    page = (ROOT / "docs" / "classify.md").read_text()
    off = [row for row in _expected_rows() if not any(line.startswith(row) for line in page.splitlines())]
    assert not off, "docs/classify.md should hold rows that begin with\n" + "\n".join(off)


def test_every_section_of_the_card_is_described():
    _, table = (ROOT / "docs" / "card.md").read_text().split("| section id |")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+)", table.split("\n\n")[0], re.M)
    assert [id for id, _ in rows] == list(SECTIONS)
    assert all(len(answer.split()) >= 3 for _, answer in rows)


# ---- commands


def _commands(text: str) -> Iterator[str]:
    """What follows `sounding` on the lines of code blocks that are commands, without comments and pipes."""
    for block in FENCE.findall(text):
        for line in block.splitlines():
            line = line.strip().removeprefix("$ ")
            if line.startswith("sounding "):
                yield SHELL.split(line)[0]


def _fault(line: str) -> str:
    """What is wrong with a command, or nothing: an unknown verb, or words that its options do not take."""
    verb, *words = shlex.split(line)[1:]
    if verb.startswith("-"):
        return ""
    if verb not in cli.commands:
        return f"no verb {verb}"
    words = [word for word in words if word != "…"]
    if {"--help", "-h"} & set(words):
        return ""
    try:
        parsed = cli.commands[verb].make_context(verb, words)  # parses, and runs nothing
    except click.ClickException as error:
        return error.format_message()
    return _unknown(parsed.params["words"]) if verb == "train" else ""


def _unknown(words: Sequence[str]) -> str:
    """An option of a training that is no setting of the application, or nothing; one in a file may have any."""
    task = next((word for word in words if word in catalog.names()), "")
    known = {*catalog.find(task).Recipe.names(), *catalog.find(task).Options.names()} if task else set()
    named = [word.removeprefix("--").partition("=")[0].replace("-", "_") for word in words if word.startswith("--")]
    wrong = [name for name in named if name not in known]
    return f"no option {wrong[0]}" if wrong and task else ""


# ---- the recipe


def _expected_rows() -> list[str]:
    """The first four columns of the table of the recipe: field, default (small), and what tiny and base set instead."""
    small, tiny, base = (Classify.Recipe.make(size) for size in ("small", "tiny", "base"))
    rows = []
    for field in fields(Classify.Recipe):
        default, *others = (_said(getattr(recipe, field.name)) for recipe in (small, tiny, base))
        cells = "".join(f" {f'`{other}`' if other != default else ''} |".replace("  ", " ") for other in others)
        rows.append(f"| `{field.name}` | `{default}` |{cells}")
    return rows


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
