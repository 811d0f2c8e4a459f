"""Adding a challenge is adding one file: it is found, measured and printed, and one that is broken costs no other."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from challenges import toys

from sounding import challenges
from sounding.card.card import Card, Header
from sounding.card.measuring import measure
from sounding.card.sections import found, sections

EVENNESS = '''
"""How evenly the answers are spread."""

from sounding.contract.evidence import Estimate, Number
from sounding.evaluation.challenge import Challenge, Findings


class Evenness(Challenge[None]):
    id, title, order = "evenness", "Evenness", 35

    def seconds(self, context):
        return len(context.test) * context.row_seconds

    def measure(self, context):
        answers = {record.value for record in context.row_records}
        number = Number("answers", "different answers", Estimate(float(len(answers)), n=len(context.test)), "counted")
        return Findings(f"{len(answers)} answers are given.", (number,))
'''


@pytest.fixture
def dropped(tmp_path, monkeypatch):
    """Puts a file beside the challenges of the package, for one test."""
    monkeypatch.setattr(challenges, "__path__", [*challenges.__path__, str(tmp_path)])
    known = set(sys.modules)

    def drop(name: str, text: str) -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        return path

    yield drop
    for name in set(sys.modules) - known:
        if name.startswith("sounding.challenges."):
            del sys.modules[name]


def card(n: int = 20) -> Card:
    task = toys.Sort()
    context = toys.context(task, task.build().eval(), toys.rows(task, n, "test"))
    return measure(context, Header("sort", "runs/sort/1", "demo"))


def test_a_file_in_the_folder_is_a_section_of_the_card_with_its_numbers(dropped, tmp_path):
    before = list(sections())
    dropped("evenness", EVENNESS)
    after = list(sections())
    assert after == [*before[:3], "evenness", *before[3:]]  # its place is its own: after quality
    made = card()
    assert [section.id for section in made] == after
    assert made["evenness"].status == "ok"
    assert made["evenness"]["answers"].n == 20
    made.save(tmp_path / "run")
    written = json.loads((tmp_path / "run" / "card.json").read_text())
    assert written["sections"][3]["numbers"][0]["id"] == "answers"
    assert "answers are given." in (tmp_path / "run" / "card.html").read_text()
    assert made.to_json() == Card.load(tmp_path / "run").to_json()


def test_what_every_challenge_needs_is_asked_by_the_runner_and_not_by_the_file(dropped):
    dropped("evenness", EVENNESS)
    section = card(0)["evenness"]
    assert (section.status, section.reason) == ("not_applicable", "there are no test rows")


def test_a_file_that_cannot_be_imported_costs_its_own_section(dropped):
    dropped("broken", "import nothing_of_this_name\n")
    made = card()
    assert [section.id for section in made.failed] == ["broken"]
    assert "nothing_of_this_name" in made["broken"].reason
    assert made["quality"].status == "ok"


def test_a_file_without_a_challenge_is_no_section(dropped):
    before = list(sections())
    dropped("helpers", "from sounding.challenges.quality import Quality\n\n\ndef half(x):\n    return x / 2\n")
    assert list(sections()) == before


def test_places_and_ids_are_each_its_own():
    every = found()
    assert len({challenge.id for challenge in every}) == len(every)
    assert len({challenge.order for challenge in every}) == len(every)
    assert all(challenge.title for challenge in every)
