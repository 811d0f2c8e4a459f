"""The pages on adding something are followed: what stands in them is taken as it is, and works."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

import sounding as sd
from sounding import catalog, challenges

DOCS = Path(__file__).parents[1] / "docs"


def code(page: str) -> str:
    (found,) = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.S)
    return found


def stripes(tmp_path: Path) -> tuple[str, list[sd.Example]]:
    file = tmp_path / "stripes.py"
    file.write_text(code("add_application.md"))
    return str(file), catalog.find(str(file))().demo(np.random.default_rng(0), 400)


def test_the_page_on_applications_makes_one_that_trains_and_loads(tmp_path):
    file, rows = stripes(tmp_path)
    task = catalog.find(file)
    assert catalog.summary(task) == "Stripes: whether the stripes of a picture lie or stand."
    model = sd.train(file, rows, epochs=15, batch=16, out=tmp_path / "run", card=None)
    unseen = task().demo(np.random.default_rng(1), 40)
    answers = [result.label for result in sd.load(model.dir)([row.input for row in unseen])]
    assert np.mean([answer == row.target for answer, row in zip(answers, unseen)]) > 0.9


def test_the_page_on_applications_may_become_a_folder(tmp_path):
    folder = tmp_path / "stripes"
    folder.mkdir()
    (folder / "task.py").write_text(code("add_application.md"))
    assert catalog.find(str(folder)).__name__ == "Stripes"


def test_the_page_on_modalities_makes_one_that_is_explained_and_disturbed(tmp_path, brief):
    file = tmp_path / "code.py"
    file.write_text(code("add_modality.md"))
    card = sd.train(str(file), "demo", steps=150, out=tmp_path / "run").card()
    assert not card.failed
    assert card["quality"]["accuracy"].low > card["quality"]["baseline"].high
    assert {"interpretability", "robustness"} <= {section.id for section in card if section.status == "ok"}


def test_the_page_on_challenges_makes_one_that_stands_on_the_card(tmp_path, monkeypatch, brief):
    (tmp_path / "challenges").mkdir()
    (tmp_path / "challenges" / "evenness.py").write_text(code("add_challenge.md"))
    monkeypatch.setattr(challenges, "__path__", [*challenges.__path__, str(tmp_path / "challenges")])
    file, rows = stripes(tmp_path)
    card = sd.train(file, rows, steps=30, out=tmp_path / "run").card()
    sys.modules.pop("sounding.challenges.evenness", None)
    assert card["evenness"]["answers"].value in (1.0, 2.0)
    assert "answers are given" in card["evenness"].sentence
