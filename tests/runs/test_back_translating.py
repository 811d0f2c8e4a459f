"""Translating, with texts in the target language alone: what is read of them, what is learnt, refused and resumed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import sounding as sd
from sounding import catalog
from sounding.challenges.labels.back_translation import BackTranslation, shares
from sounding.contract.records import Example, Prediction
from sounding.data.pool import left_out, open_pool
from sounding.files import read_tensors
from sounding.randomness import stream
from sounding.runs import training

TINY: dict[str, Any] = {"size": "tiny", "width": 16, "layers": 1, "heads": 2, "card": None, "precision": "fp32"}
APPLICATION = catalog.find("translate")


def pairs(n: int) -> list[Example]:
    rows = {row.input: row for row in APPLICATION().demo(stream("back-translation"), 5 * n)}
    return list(rows.values())[:n]


def fitted(rows: list[Example]):
    task = APPLICATION(APPLICATION.Recipe.make("tiny", {"width": 16, "layers": 1, "heads": 2}))
    task.fit(rows)
    return task


@pytest.fixture
def data(tmp_path):
    """A table of 300 pairs, and a file of 30 German texts without a source, one of them twice."""
    rows = pairs(330)
    table = "".join(json.dumps({"en": e.input, "de": e.target}) + "\n" for e in rows[:300])
    (tmp_path / "pairs.jsonl").write_text(table)
    texts = [row.target for row in rows[300:]]
    (tmp_path / "more.de.txt").write_text("\n".join([*texts, "", texts[0], rows[0].target]) + "\n")
    return tmp_path


# ---- what is read


def test_each_line_is_a_text_and_known_targets_are_left_out(data):
    rows = pairs(300)
    task = fitted(rows)
    known = [[Example(row.target, row.input) for row in rows]]
    pool = open_pool(task.inverse(), data / "more.de.txt", labelled=known, by_line=True)
    lines = (data / "more.de.txt").read_text().split("\n")
    assert {e.input for e in pool.examples} == set(lines) - {"", rows[0].target} - {row.target for row in rows}
    assert pool.where(0) == "more.de.txt:1"
    assert "labelled already" in left_out(pool)
    assert "copies of others" in left_out(pool)


def test_a_column_and_files_of_the_target_language_are_preferred(data):
    task = fitted(pairs(60))
    of_table = open_pool(task.inverse(), data / "pairs.jsonl", by_line=True, preferred="de")
    assert of_table.examples[0].input == pairs(1)[0].target
    folder = data / "texts"
    folder.mkdir()
    (folder / "news.de").write_text("Der Hund sieht das Haus.\nHeute kommt der Gast.\n")
    (folder / "news.en").write_text("The dog sees the house.\nToday the guest comes.\n")
    of_folder = open_pool(task.inverse(), folder, by_line=True, preferred="de")
    assert [e.input for e in of_folder.examples] == ["Der Hund sieht das Haus.", "Heute kommt der Gast."]
    assert of_folder.ignored == ("texts/news.en",)


# ---- what is learnt


@pytest.mark.parametrize(
    ("labelled", "pool", "expected"),
    [(200, 60, (200, 60)), (200, 10_000, (2048, 2048)), (29_000, 29_000, (2048, 2048)), (7, 1, (7, 1))],
)
def test_labelled_rows_are_half_and_each_comes_as_often_as_one_of_the_pool(labelled, pool, expected):
    assert shares(labelled, pool, 4096) == expected


def test_what_was_made_is_read_and_what_is_real_is_written(monkeypatch):
    rows = pairs(40)
    task = fitted(rows)
    inverse = task.inverse()
    pool = [Example(text) for text in ("gut eins", "leer", "Gleich", "gut zwei")]
    said = {"gut eins": "good one", "leer": " ", "Gleich": "gleich", "gut zwei": "good two"}
    monkeypatch.setattr(inverse, "predict", lambda model, inputs: [Prediction(said[text], 0.5) for text in inputs])
    taught = BackTranslation(task, pool, inverse, nn.Identity())
    round = list(taught.collect(nn.Identity(), rows, stream("round")))
    made = {(e.input, e.target) for e in round} - {(e.input, e.target) for e in rows}
    assert made == {("good one", "gut eins"), ("good two", "gut zwei")}
    assert sum(e in rows for e in round) == 40
    assert taught.left_out == {"empty": 1, "as they were": 1}
    assert str(taught).startswith("4 rows were given an input by the model of the other direction; 2 of them are left")


def test_an_endless_source_is_left_out():
    rows = pairs(40)
    inverse = fitted(rows).inverse()
    inverse.options = inverse.options.changed({"length": 1})
    torch.manual_seed(0)
    (endless,) = inverse.predict(inverse.build().eval(), [rows[0].target])
    assert fitted(rows).unfit(endless.value, rows[0].target) in ("without an end", "empty")
    assert inverse.input.tokenizer is inverse.target.tokenizer


def test_the_other_direction_is_trained_and_a_training_that_was_cut_goes_on(data, tmp_path, monkeypatch):
    seen: list[dict[str, Any]] = []
    fit = training.fit

    def watching(task, train, validation, **more):
        seen.append({"rows": train, "steps": more["budget"].steps, "folder": more["checkpointer"].folder.name})
        return fit(task, train, validation, **more)

    monkeypatch.setattr(training, "fit", watching)
    monkeypatch.setattr(training, "judged", lambda *_: {"better": True, "said": "", "metric": "chrF"})
    monkeypatch.setattr(APPLICATION, "unfit", lambda self, made, answer: "")
    words = {**TINY, "steps": 12, "unlabelled": data / "more.de.txt"}
    said: list[str] = []
    whole = sd.train("translate", data / "pairs.jsonl", out=tmp_path / "whole", say=said.append, **words)
    assert [(one["folder"], one["steps"]) for one in seen] == [("control", 12), ("reverse", 4), ("whole", 8)]
    assert "de" in whole.run.plan().to_json()["training"]["unlabelled"]
    control, reverse, _ = seen
    assert [(e.input, e.target) for e in reverse["rows"]] == [(e.target, e.input) for e in control["rows"]]
    facts = json.loads((whole.dir / "training.json").read_text())
    assert facts["pretraining"]["steps"] == 4
    assert facts["pretraining"]["pool"]["asked"] == facts["pretraining"]["pool"]["rows"] > 20
    assert any("given an input by the model of the other direction" in line for line in said)
    assert whole.run.plan().training.method == "back-translation"

    class Cut(Exception):
        pass

    collect, rounds = BackTranslation.collect, []

    def cut(self, *given):
        rounds.append(1)
        if len(rounds) == 2:
            raise Cut
        return collect(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(BackTranslation, "collect", cut)
        with pytest.raises(Cut):
            sd.train("translate", data / "pairs.jsonl", out=tmp_path / "cut", **words)
    resumed = sd.train(resume=tmp_path / "cut", card=None)
    one, two = (read_tensors(run / "best" / "model.safetensors")[0] for run in (whole.dir, resumed.dir))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_where_every_row_of_the_pool_is_left_out_the_control_is_kept(data, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "judged", lambda *_: {"better": True, "said": "chance", "metric": "chrF"})
    monkeypatch.setattr(APPLICATION, "unfit", lambda self, made, answer: "without an end")
    said: list[str] = []
    words = {**TINY, "steps": 3, "unlabelled": data / "more.de.txt"}
    run = sd.train("translate", data / "pairs.jsonl", out=tmp_path / "run", say=said.append, **words)
    assert any("no row of the pool was learnt" in line and "the control is kept" in line for line in said)
    assert not json.loads((run.dir / "training.json").read_text())["control"]["better"]
    assert (run.dir / "rejected").is_dir()


# ---- what is refused


@pytest.mark.parametrize(
    ("task", "words", "said"),
    [
        ("translate", {"method": "self-training"}, "back-translation"),
        ("translate", {"method": "magic"}, "back-translation"),
        ("summarize", {"method": "back-translation"}, "self-training"),
        ("generate", {}, "in any case"),
    ],
)
def test_a_way_that_a_task_has_not_is_refused_before_anything_is_trained(data, tmp_path, task, words, said):
    source = data / ("more.de.txt" if task == "generate" else "pairs.jsonl")
    with pytest.raises(sd.UsageError) as error:
        sd.train(task, source, out=tmp_path / "run", unlabelled=data / "more.de.txt", **words)
    assert said in str(error.value)
    assert not (tmp_path / "run").exists()


def test_texts_in_the_language_of_the_source_are_refused(data, tmp_path):
    long = [f"{row.input} {row.input}" for row in pairs(330)[300:]]
    (tmp_path / "more.en").write_text("\n".join(long))
    with pytest.raises(sd.DataError, match="language that is translated from"):
        sd.train(
            "translate", data / "pairs.jsonl", steps=2, out=tmp_path / "run", unlabelled=tmp_path / "more.en", **TINY
        )
    assert not (tmp_path / "run").exists()


def test_rows_of_several_rounds_are_each_answered_once():
    rows, asked = pairs(40), []
    task = fitted(rows)
    inverse = task.inverse()
    inverse.predict = lambda model, inputs: asked.extend(inputs) or [Prediction("made up", 0.5) for _ in inputs]
    taught = BackTranslation(task, [Example(f"Text {k}") for k in range(30)], inverse, nn.Identity())
    for turn in range(3):
        taught.collect(nn.Identity(), rows, np.random.default_rng(turn))
    assert len(asked) == len(set(asked)) == 30
