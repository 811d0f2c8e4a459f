"""What a model takes and gives from Python: pictures of every kind, explanations of them, and pages for notebooks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from photo_folders import pictures
from PIL import Image

import sounding as sd


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("prediction")


@pytest.fixture(scope="module")
def model(place):
    photos = pictures(place / "photos", 20)
    return sd.train("classify", photos, size="tiny", width=4, steps=20, out=place / "run", card=None, precision="fp32")


@pytest.fixture(scope="module")
def photo(place, model):
    return place / "photos" / "bright" / "1.png"


def test_a_picture_is_answered_alike_in_every_form(model, photo):
    opened = Image.open(photo)
    array = np.asarray(opened)
    channels_first = torch.from_numpy(array.copy()).permute(2, 0, 1)
    forms = [
        str(photo), photo, photo.read_bytes(), opened, array, channels_first, channels_first / 255,
        (channels_first / 255).requires_grad_(), channels_first.permute(1, 2, 0),
    ]  # fmt: skip
    scores = [model(form)[0].score for form in forms]
    assert scores == pytest.approx([scores[0]] * len(forms), abs=1e-6)
    assert model(opened)[0].source == str(photo)


def test_a_batch_is_as_many_pictures(model, photo):
    one = torch.from_numpy(np.asarray(Image.open(photo)).copy()).permute(2, 0, 1) / 255
    batch = torch.stack([one, 1 - one, one.flip(1)])
    answers = model(batch)
    assert [r.score for r in answers] == pytest.approx([model(x)[0].score for x in batch])
    assert len(model([batch, str(photo)])) == 4


def test_a_tensor_that_is_no_picture_is_refused(model):
    for tensor in (torch.zeros(5), torch.zeros(2, 8, 8), torch.full((3, 8, 8), torch.nan)):
        with pytest.raises(sd.DataError):
            model(tensor)


def test_explain_takes_what_a_call_takes(model, photo, place):
    known = model.explain(model(photo)[0]).weights
    assert model.explain(photo).weights == pytest.approx(known)
    assert model.explain(Image.open(photo)).weights == pytest.approx(known)
    several = model.explain([photo, str(photo)], "gradient")
    assert [found.method for found in several] == ["gradient", "gradient"]
    assert len(model.explain(str(photo.parent / "1*.png"))) == 11
    assert len(model.explain(model([photo, photo]))) == 2
    where, weight = model.explain(photo).top(1)[0]
    row, column = (int(word.split()[1]) - 1 for word in where.split(", "))
    assert known.reshape(4, 4)[row, column] == weight == known.max()


def test_without_anybody_to_be_told_the_first_bad_input_is_raised(model, photo, place):
    (place / "bad.png").write_text("no picture")
    with pytest.raises(sd.DataError, match=r"bad\.png"):
        model([photo, place / "bad.png"])
    told: list[str] = []
    answers = list(model.stream([photo, place / "bad.png", photo], refused=lambda error: told.append(str(error))))
    assert [r.label for r in answers] == ["bright", "bright"]
    assert len(told) == 1
    assert str(place / "bad.png") in told[0]


def test_the_best_answers_of_a_pipeline(model, photo):
    answer = sd.pipeline("image-classification", model.dir)
    both = answer(str(photo))
    assert answer(str(photo), top_k=1) == both[:1]
    assert answer([str(photo)], top_k=1) == [both[:1]]
    assert answer(str(photo), top_k=9) == both
    for wrong in (0, "2"):
        with pytest.raises(sd.UsageError, match="top_k"):
            answer(str(photo), top_k=wrong)


def test_results_are_drawn_and_saved(model, photo, tmp_path):
    results = model([photo, photo, photo])
    one = results[0].plot(tmp_path / "one.svg")
    assert (tmp_path / "one.svg").read_text() == one.svg()
    sheet = results.plot(tmp_path / "all.png")
    assert Image.open(tmp_path / "all.png").size[0] >= one.sheet.width
    assert sheet.text.count(results[0].label) == 3
    assert results.save(tmp_path / "answers.jsonl") == 3
    lines = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert [line["answer"] for line in lines] == [result.value for result in results]
    assert results.save(tmp_path / "answers.csv") == 3
    results[0].save(tmp_path / "alone.csv")
    assert len((tmp_path / "alone.csv").read_text().splitlines()) == 2
    results[0].save(tmp_path / "alone.png")
    assert Image.open(tmp_path / "alone.png").format == "PNG"
    with pytest.raises(sd.UsageError, match=r"not written as \.doc"):
        results.save(tmp_path / "answers.doc")


def test_notebooks_show_models_results_and_explanations(model, photo):
    assert "<svg" in model(photo)[0]._repr_html_()
    many = model([photo] * 14)._repr_html_()
    assert many.count("<svg") == 12
    assert "and 2 more" in many
    assert "<svg" in model.explain(photo)._repr_html_()
    page = model._repr_html_()
    assert str(model.dir) in page
    assert "classify" in repr(model)


def test_a_card_is_shown_as_its_page_and_its_model_by_its_findings(place, brief):
    small = {"size": "tiny", "width": 4, "steps": 5, "precision": "fp32"}
    carded = sd.train("classify", "demo", out=Path(place, "carded"), **small)
    card = carded.card()
    page = card._repr_html_()
    assert page.startswith("<iframe srcdoc=")
    assert "&lt;!doctype html&gt;" in page
    assert "Quality" in carded._repr_html_()
    assert str(card["robustness"]["attack_linf_2_255"]).startswith("at most ")
    assert str(card["robustness"]["corrupted"])[0].isdecimal()
    assert sd.Card.load(carded.dir) == card
