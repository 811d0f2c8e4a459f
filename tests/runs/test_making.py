"""Trainings with a control: what each begins with, what it cost, and a stop at the most awkward moments."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from photo_folders import pictures
from PIL import Image

import sounding as sd
from sounding import api
from sounding.files import read_tensors
from sounding.randomness import stream
from sounding.runs import control, training

DOTS = Path(__file__).parents[1] / "contract" / "dots.py"
SMALL: dict[str, Any] = {"size": "tiny", "width": 4, "steps": 4, "card": None, "precision": "fp32"}


@pytest.fixture
def folders(tmp_path):
    """Pictures in class folders, and 11 without answers."""
    rng, pool = stream("making"), tmp_path / "pool"
    pool.mkdir()
    for i in range(11):
        pixels = rng.integers(20 * i, 20 * i + 30, (10, 12, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(pool / f"{i}.png")
    return pictures(tmp_path / "photos", 12), pool


def facts(run: Path) -> dict[str, Any]:
    return json.loads((run / "training.json").read_text())


def verdict(monkeypatch, better: bool) -> None:
    monkeypatch.setattr(training, "judged", lambda *_: {"better": better, "said": "", "metric": "accuracy"})


@pytest.fixture
def trainings(monkeypatch):
    """What each training begins with, in the order of the trainings."""
    seen: list[dict[str, Any]] = []

    def watching(task, *rows, **more):
        begins = {name: tensor.clone() for name, tensor in more["model"].state_dict().items()}
        seen.append({"task": type(task).__name__, "folder": more["checkpointer"].folder.name, **more, "begins": begins})
        return api_fit(task, *rows, **more)

    api_fit = training.fit
    monkeypatch.setattr(training, "fit", watching)
    return seen


def test_learning_without_answers_begins_with_the_run_and_its_cost_is_told(folders, tmp_path, trainings, monkeypatch):
    photos, pool = folders
    first = sd.train("classify", photos, out=tmp_path / "first", **SMALL)
    weights = first.run.weights()
    verdict(monkeypatch, better=True)
    more = {"start": first.dir, "unlabelled": pool, "method": "contrast", "harden": "corruptions", "every": 2}
    second = sd.train("classify", photos, out=tmp_path / "second", **{**SMALL, **more})
    _, control, pretraining, helped = trainings
    assert [t["folder"] for t in (control, pretraining, helped)] == ["control", "pretrained", "second"]
    assert [t["task"] for t in (control, pretraining, helped)] == [
        "AgainstCorruptions",
        "Contrast",
        "AgainstCorruptions",
    ]
    learnt = [name for name, tensor in weights.items() if tensor.is_floating_point()]
    assert not all(torch.equal(control["begins"][name], weights[name]) for name in learnt)
    assert all(torch.equal(pretraining["begins"][f"network.{name}"], weights[name]) for name in learnt)
    same = [name for name in learnt if torch.equal(helped["begins"][name], weights[name])]
    assert "1.stem.1.weight" not in same
    assert "1.head.weight" in same, "the last layer is the run's, the others learnt from the pool"
    said = facts(second.dir)
    assert said["pretraining"]["examples"] == 11 * pretraining["budget"].steps
    assert said["pretraining"]["passes"] == 2
    assert said["seconds"] > said["history"][-1]["seconds"] + 0.9 * said["pretraining"]["seconds"]
    assert not (second.dir / "pretrained" / "inspection.jsonl").exists(), "11 views fall into no pairs"


@pytest.mark.parametrize("stop", ["in the swap", "after it"])
def test_a_run_that_was_stopped_while_the_control_took_its_place_goes_on(folders, tmp_path, monkeypatch, stop):
    photos, pool = folders
    verdict(monkeypatch, better=False)
    whole = sd.train("classify", photos, out=tmp_path / "whole", unlabelled=pool, **SMALL)
    with monkeypatch.context() as patch:
        _stop(patch, stop)
        with pytest.raises(KeyboardInterrupt):
            sd.train("classify", photos, out=tmp_path / "cut", unlabelled=pool, **SMALL)
    resumed = sd.train(resume=tmp_path / "cut", card=None)
    for name in ("best", "rejected"):
        one, two = (read_tensors(run / name / "model.safetensors")[0] for run in (whole.dir, resumed.dir))
        assert all(torch.equal(one[key], two[key]) for key in one)
    assert facts(resumed.dir).keys() == facts(whole.dir).keys()


def _stop(patch, stop: str) -> None:
    """Ctrl-C between the two moves of a swap, or between the swap and the file that tells of it."""
    write, move, moves = training.write_json, control.os.replace, []

    def moving(source: Path, target: Path) -> None:
        moves.append(target)
        if len(moves) == 2:
            raise KeyboardInterrupt
        move(source, target)

    def writing(path: Path, value: Any) -> None:
        if path.name == "training.json":
            raise KeyboardInterrupt
        write(path, value)

    if stop == "in the swap":
        patch.setattr(control, "os", type("Os", (), {"replace": staticmethod(moving)}))
    else:
        patch.setattr(training, "write_json", writing)


def test_where_the_control_is_kept_the_facts_are_its_own_and_a_finished_run_stays_as_it_is(
    folders, tmp_path, monkeypatch
):
    photos, pool = folders
    verdict(monkeypatch, better=False)
    model = sd.train("classify", photos, out=tmp_path / "run", unlabelled=pool, **SMALL)
    said = facts(model.dir)
    assert said["history"] == said["control"]["history"] != said["rejected"]["history"]
    assert said["rejected"]["examples"] == 4 * model.task.recipe.batch, "24 pictures, repeated, fill a batch"
    assert said["examples"] == 4 * len(model.dataset().train)
    assert model.context().control is not None
    before = (model.dir / "training.json").read_bytes()
    again = sd.train(resume=model.dir, card=None)
    assert (model.dir / "training.json").read_bytes() == before
    assert again.context().control is not None
    (model.dir / "training.json").unlink()
    assert api.load(model.dir).context().control is None, "no verdict, no control"


def test_an_input_without_variations_is_refused_before_the_control_is_trained(tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("point,label\n" + "".join(f"{i} 1 0 0,{'ab'[i % 2]}\n" for i in range(40)))
    (tmp_path / "pool.csv").write_text("point\n5 5 5 5\n6 6 6 6\n")
    pool = tmp_path / "pool.csv"
    with pytest.raises(sd.UsageError, match="no strong variation"):
        sd.train(str(DOTS), rows, steps=2, out=tmp_path / "run", unlabelled=pool, method="contrast")
    assert not (tmp_path / "run").exists()


def test_the_run_in_out_is_the_one_that_goes_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        _stop(patch, "after it")
        with pytest.raises(KeyboardInterrupt):
            sd.train(str(DOTS), "demo", steps=3, out=tmp_path / "mine", card=None)
    assert sd.train(str(DOTS), resume=True, out=tmp_path / "mine", card=None).dir == tmp_path / "mine"
    assert facts(tmp_path / "mine")["steps"] == 3


def test_a_damaged_training_json_is_one_message(tmp_path):
    model = sd.train(str(DOTS), "demo", steps=3, out=tmp_path / "run", card=None)
    (model.dir / "training.json").write_text("{")
    with pytest.raises(sd.RunError, match="damaged"):
        model.context()


def test_metrics_without_test_rows_say_so(tmp_path):
    model = sd.train(str(DOTS), "demo", steps=3, out=tmp_path / "run", card=None)
    model = sd.Model(model.run, model.task, model.module, replace(model.dataset(), test=model.dataset().test[:0]))
    model.card("quick")
    with pytest.raises(sd.RunError, match="no test rows"):
        _ = model.metrics


def test_no_model_is_built_to_be_thrown_away(folders, tmp_path, monkeypatch):
    photos, _ = folders
    first = sd.train("classify", photos, out=tmp_path / "first", **SMALL)
    built: list[int] = []
    build = type(first.task).build
    monkeypatch.setattr(type(first.task), "build", lambda task: built.append(1) or build(task))
    sd.train("classify", photos, out=tmp_path / "second", start=first.dir, **SMALL)
    assert len(built) == 1
    sd.train("classify", photos, out=tmp_path / "third", start=first.dir, control=True, **SMALL)
    assert len(built) == 3, "one, and two beside a control"
