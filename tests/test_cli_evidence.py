"""The verbs that measure, inspect and explain, and the trainings with options, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from photo_folders import pictures
from PIL import Image

from sounding.randomness import stream


@pytest.fixture
def pool(tmp_path):
    """Pictures without answers."""
    folder, rng = tmp_path / "pool", stream("pool")
    folder.mkdir()
    for i in range(12):
        pixels = rng.integers(20 * i, 20 * i + 30, (10, 12, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


SMALL = ("size=tiny", "width=4", "steps=30", "--card", "none")


def test_inspect_names_every_layer_and_gives_a_verdict(sounding, run):
    status, out, _ = sounding("inspect", run, "--out", "layers.json")
    assert status == 0
    assert "Healthy" in out
    said = json.loads(Path("layers.json").read_text())
    assert all(layer["name"] in out or layer["name"][-12:] in out for layer in said["layers"])
    assert sounding("inspect", run, "--history")[0] != 0


def test_layers_are_looked_at_during_the_training(sounding, photos):
    assert sounding("train", "classify", photos, *SMALL, "--every", 10)[0] == 0
    lines = Path("runs/classify/1/inspection.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 10, 20, 30]
    status, out, _ = sounding("inspect", "runs/classify/1", "--history", "--out", "time.svg")
    assert status == 0
    assert len(out.splitlines()) == 5
    assert Path("time.svg").read_text().lstrip().startswith("<")


def test_predict_says_which_parts_carry_the_answer(sounding, run, photos):
    status, out, _ = sounding("predict", run, photos / "dark" / "1.png", "--explain", "--json")
    why = json.loads(out)["explanation"]
    assert status == 0
    assert why["method"] == "occlusion"
    assert len(why["weights"]) == 16
    assert sounding("predict", run, photos / "dark", "--explain", "--method", "gradient", "--plots", "drawn")[0] == 0
    assert len(list(Path("drawn").glob("*.png"))) == 40
    status, _, err = sounding("predict", run, photos / "dark", "--explain", "--method", "magic")
    assert status != 0
    assert "occlusion" in err


def test_label_names_rows_of_the_pool(sounding, run, pool):
    status, out, _ = sounding("label", run, pool, "--count", 3, "--out", "next.csv")
    assert status == 0
    assert "12 to choose from" in out
    assert len(Path("next.csv").read_text().splitlines()) == 4
    status, out, _ = sounding("label", run, "--errors", "--count", 3)
    assert status == 0
    assert "labels are wrong" in out


def test_label_refuses_a_pool_that_is_labelled_already(sounding, run, photos):
    status, _, err = sounding("label", run, photos)
    assert status != 0
    assert "labelled already" in err
    status, _, err = sounding("label", run)
    assert status != 0
    assert "--errors" in err


def test_a_pool_of_copies_is_one_row(sounding, run, tmp_path):
    folder = tmp_path / "copies"
    folder.mkdir()
    for i in range(5):
        Image.new("RGB", (12, 10), (9, 99, 199)).save(folder / f"{i}.png")
    status, out, _ = sounding("label", run, folder)
    assert status == 0
    assert "1 to choose from" in out


def test_runs_side_by_side(sounding, photos, run):
    assert sounding("train", "classify", photos, "network=mlp", *SMALL)[0] == 0
    status, out, _ = sounding("card", run, "runs/classify/2", "--out", "table.json")
    assert status == 0
    assert "Accuracy" in out
    assert json.loads(Path("table.json").read_text())["runs"] == ["runs/classify/1", "runs/classify/2"]
    status, _, err = sounding("card", run, "--out", "table.json")
    assert status != 0
    assert "folder" in err
    status, _, err = sounding("card", run, "runs/classify/2", "--region", "SE")
    assert status != 0
    assert "--region" in err


def test_what_is_said_of_one_run_is_not_passed_over_for_several(sounding):
    status, _, err = sounding("card", "runs/a", "runs/b", "--region", "SE", "--pue", 1.2)
    assert status == 2
    assert "--region and --pue can be given for one run only" in err


def test_a_region_is_known_or_refused_before_anything_is_measured(sounding, run):
    status, _, err = sounding("card", run, "--region", "Atlantis")
    assert status != 0
    assert "SE" in err
    assert not (run / "card.json").exists()


def test_a_second_set_with_other_classes_is_refused(sounding, run, tmp_path):
    other = pictures(tmp_path / "other", 5)
    (other / "bright").rename(other / "brilliant")
    status, _, err = sounding("card", run, "--shift", other)
    assert status != 0
    assert "brilliant" in err
    assert not (run / "card.json").exists()


@pytest.mark.parametrize("kind", ["attacks", "corruptions"])
def test_a_hardened_training_is_resumed_hardened(sounding, photos, kind):
    assert sounding("train", "classify", photos, *SMALL, "--harden", kind)[0] == 0
    config = json.loads(Path("runs/classify/1/config.json").read_text())
    facts = json.loads(Path("runs/classify/1/training.json").read_text())
    assert config["training"]["harden"] == kind
    assert facts["passes"] == (2 if kind == "attacks" else 1)


@pytest.mark.parametrize("method", ["self-training", "contrast"])
def test_unlabelled_rows_are_learnt_from_beside_a_control(sounding, photos, pool, method):
    assert sounding("train", "classify", photos, *SMALL, "--unlabelled", pool, "--method", method)[0] == 0
    facts = json.loads(Path("runs/classify/1/training.json").read_text())
    better = facts["control"]["better"]
    assert Path("runs/classify/1/control/best/model.safetensors").exists() == better
    assert Path("runs/classify/1/rejected/model.safetensors").exists() == (not better)
    assert (Path("runs/classify/1/pretrained") / "network.safetensors").exists() == (method == "contrast")


def test_a_training_begins_with_the_weights_of_a_run(sounding, photos, run):
    assert sounding("train", "classify", photos, *SMALL[2:], "--from", run, "--control")[0] == 0
    config = json.loads(Path("runs/classify/2/config.json").read_text())
    assert config["recipe"]["width"] == 4  # the run's, not the default
    assert config["transfer"]["share"] == 1
    status, _, err = sounding("train", "classify", photos, *SMALL[2:], "--from", run, "width=8")
    assert status != 0
    assert "Set what the weights are of: width=4" in err
    assert not Path("runs/classify/3").exists()


def test_until_stops_and_says_what_it_took(sounding, photos, brief):
    words = ("size=tiny", "width=4", "steps=400", "--until", 0.9)
    assert sounding("train", "classify", photos, *words)[0] == 0
    facts = json.loads(Path("runs/classify/1/training.json").read_text())
    assert facts["until"]["reached"]
    assert facts["steps"] < 400
    card = json.loads(Path("runs/classify/1/card.json").read_text())
    energy = next(section for section in card["sections"] if section["id"] == "energy")
    assert "joules_to_target" in {number["id"] for number in energy["numbers"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--harden", "atacks"), "attacks"),
        (("--unlabelled", "nowhere"), "nowhere"),
        (("--from", "nowhere"), "nowhere"),
        (("--control",), "--from"),
        (("--unlabelled", "pool", "--method", "magic"), "self-training"),
    ],
)
def test_helps_that_cannot_be_had_are_refused_in_one_line_and_leave_nothing(sounding, photos, words, said):
    status, _, err = sounding("train", "classify", photos, *SMALL, *words)
    assert status != 0
    assert said in err
    assert "Traceback" not in err
    assert not list(Path("runs/classify").glob("*/config.json"))
