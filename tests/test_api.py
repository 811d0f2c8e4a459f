"""The Python door: what `import sounding as sd` offers, on a task that takes a second."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from brevity import briefly
from PIL import Image

import sounding as sd
from sounding.randomness import stream

DOTS = str(Path(__file__).parent / "contract" / "dots.py")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with briefly():
        return sd.train(DOTS, "demo", steps=200, out=tmp_path_factory.mktemp("runs") / "dots", dropout=0.0)


def test_the_public_names_are_these():
    assert set(dir(sd)) == {*sd.__all__, "__version__"}
    assert all(getattr(sd, name) is not None for name in sd.__all__)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        sd.trian  # noqa: B018


def test_a_training_gives_a_model_with_its_folder_metrics_and_card(model):
    accuracy = model.metrics.accuracy
    assert accuracy.low < accuracy.value < accuracy.high
    assert accuracy.value > 0.85
    assert model.evaluate().accuracy == accuracy
    card = model.card()
    assert card["quality"]["accuracy"] == accuracy
    assert card["robustness"].numbers
    assert {p.name for p in model.dir.iterdir()} >= {"best", "last", "card.html", "plots", "predictions.jsonl"}


def test_a_loaded_model_answers_as_the_trained_one(model):
    loaded = sd.load(model.dir)
    points = [np.array([2, 2, 0, 0], np.float32), np.array([-2, -2, 0, 0], np.float32)]
    assert [r.label for r in loaded(points)] == ["right", "left"]
    assert [r.score for r in loaded(points)] == pytest.approx([r.score for r in model(points)], abs=1e-6)
    assert loaded(points).to_dicts()[0][0]["label"] == "right"
    assert sum(d["score"] for d in loaded(points).to_dicts()[0]) == pytest.approx(1)
    assert loaded.evaluate().accuracy == model.metrics.accuracy


def test_answers_in_bf16_are_about_those_in_fp32(tmp_path):
    model = sd.train("classify", "demo", size="tiny", steps=10, card=None, out=tmp_path / "run")
    pictures = [example.input for example in model.dataset().test[:8]]
    rough, fine = (sd.load(model.dir, precision=word)(pictures) for word in ("bf16", "fp32"))
    assert [r.score for r in rough] == pytest.approx([r.score for r in fine], abs=0.03)
    assert [r.score for r in rough] != [r.score for r in fine]
    with pytest.raises(sd.UsageError, match="no precision 'fp8'"):
        sd.load(model.dir, precision="fp8")


def test_best_and_last_are_models_by_themselves(model, tmp_path):
    for which in ("best", "last"):
        assert sd.load(model.dir / which)(["2 2 0 0"])[0].label == "right"
    (tmp_path / "alone").mkdir()
    for file in (model.dir / "best").iterdir():
        (tmp_path / "alone" / file.name).write_bytes(file.read_bytes())
    alone = sd.load(tmp_path / "alone")
    assert alone(["-2 -2 0 0"])[0].label == "left"
    with pytest.raises(sd.RunError, match="not known here"):
        alone.evaluate()


def test_the_predictions_on_the_test_rows_lie_beside_the_card(model):
    lines = [json.loads(line) for line in (model.dir / "predictions.jsonl").read_text().splitlines()]
    right = np.mean([line["answer"] == line["truth"] for line in lines])
    assert right == pytest.approx(model.metrics.accuracy.value)


def test_examples_in_memory_and_a_model_of_ones_own(tmp_path):
    import sys

    sys.path.insert(0, str(Path(DOTS).parent))
    from dots import Dots

    examples = Dots().demo(stream("mine"), 300)
    model = sd.train(Dots, examples, steps=100, out=tmp_path / "run", card=None)
    test = model.run.data["splits"]["test"]
    assert model.evaluate(examples).accuracy.n == test  # what it learnt from is not measured
    others = Dots().demo(stream("others"), 50)
    assert model.evaluate([*examples, *others]).accuracy.n == test + 50
    assert sd.load(model.dir, data=examples).evaluate() == model.evaluate()
    with pytest.raises(sd.RunError, match="not known here"):
        sd.load(model.dir).evaluate()


def test_two_models_are_compared_on_the_same_rows(model, tmp_path):
    worse = sd.train(DOTS, "demo", steps=1, out=tmp_path / "worse", card=None)
    difference = sd.compare(model, worse).accuracy
    assert difference.low > 0
    same = sd.compare(model, model).accuracy
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_a_pipeline_answers_in_dictionaries(tmp_path):
    for name, low in (("dark", 0), ("bright", 150)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(30):
            pixels = stream(name, i).integers(low, low + 100, (8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i}.png")
    run = sd.train("classify", tmp_path / "photos", steps=40, width=4, out=tmp_path / "run", card=None)
    answer = sd.pipeline("image-classification", model=run.dir)
    picture = str(tmp_path / "photos" / "dark" / "1.png")
    assert [d["label"] for d in answer(picture)] == ["dark", "bright"]
    assert len(answer([picture, picture])) == 2
    drawn = run(picture)[0].plot(tmp_path / "answer.png")
    assert drawn.text.startswith("dark ")
    assert ">dark " in drawn.svg()
    with Image.open(tmp_path / "answer.png") as written:
        assert written.width > 200
    with pytest.raises(sd.UsageError, match="not translation"):
        sd.pipeline("translation", model=run.dir)


@pytest.mark.parametrize(("text", "expected"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), (5, 5)])
def test_durations(text, expected):
    from sounding.api import seconds

    assert seconds(text) == expected


@pytest.mark.parametrize("name", ["steps", "epochs", "until"])
def test_a_budget_that_is_no_number_is_refused_before_anything_is_read(name, tmp_path):
    with pytest.raises(sd.UsageError, match=f"{name} is a number, and '100' is none"):
        sd.train("classify", tmp_path / "not there", **{name: "100"})


def picture(path, side=16):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(int(path.stem)).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(noise).save(path)


def laid_out(folder, kind):
    """Twenty pictures, laid out as is usual for an application."""
    for i in range(20):
        if kind == "classify":
            picture(folder / "ab"[i % 2] / f"{i}.png")
        elif kind == "detect":
            picture(folder / "images" / f"{i}.png")
            (folder / "labels").mkdir(exist_ok=True)
            (folder / "labels" / f"{i}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
            (folder / "data.yaml").write_text("names: [thing]\n")
        elif kind == "segment":
            picture(folder / "images" / f"{i}.png")
            (folder / "masks").mkdir(exist_ok=True)
            Image.fromarray(np.full((16, 16), i % 3, np.uint8)).save(folder / "masks" / f"{i}.png")
        else:
            picture(folder / f"person_{i % 7}" / f"{i}.png")
            (folder / "pairs.csv").write_text("name1,name2,same\n0.png,7.png,1\n1.png,2.png,0\n")
    return folder


@pytest.mark.parametrize("kind", ["classify", "detect", "segment", "faces"])
def test_check_without_a_task_finds_the_one_that_the_folder_is_laid_out_for(kind, tmp_path):
    report = sd.check("", laid_out(tmp_path / "data", kind))
    assert report.notes[0].startswith(f"read as {kind} reads it")
    assert not report.ignored


def test_check_takes_the_settings_of_a_training(sounding):
    rows = [f"{day},{day % 5 == 0:d},{day % 7}" for day in range(100)]
    Path("sales.csv").write_text("\n".join(["t,promo,bread", *rows]))
    status, out, _ = sounding("check", "forecast", "sales.csv", "--horizon", 3, "known=promo")
    assert (status, "known ahead: promo" in out, "horizon=3" in out) == (0, True, True)
    status, _, err = sounding("check", "forecast", "sales.csv", "knwon=promo")
    assert (status, err) == (2, "Error: forecast has no setting 'knwon'. Did you mean known?\n")
    status, _, err = sounding("check", "sales.csv", "known=promo")
    assert "Name the task ahead of the data" in err


def test_a_folder_of_another_layout_is_told_what_the_application_looks_for(tmp_path):
    folder = laid_out(tmp_path / "data", "classify")
    with pytest.raises(
        sd.DataError, match=r"looked for COCO json, .*YOLO data.yaml, .* or YOLO labels with files such as"
    ):
        sd.check("detect", folder)
