"""The plan of a run: it is config.json, and a folder of another format is one clear error."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import sounding as sd
from sounding import catalog
from sounding.machine.setting import Setting
from sounding.runs.folder import SCHEMA, Run
from sounding.runs.plan import RunPlan, TrainOptions
from sounding.training.loop import Budget


def plan(**changes) -> RunPlan:
    task = catalog.find("classify")
    made = RunPlan(
        task=task,
        source="/photos",
        recipe=task.Recipe.make("tiny", {"lr": 0.1}),
        options=task.Options(),
        budget=Budget(steps=3, until=0.9),
        setting=Setting(2, "bf16"),
        columns=sd.Columns(input="picture"),
        allow_bad=0.1,
        training=TrainOptions(harden="attacks", start="/runs/1", control=True),
        seed=5,
        card=None,
        transfer={"origin": "/runs/1", "share": 0.5},
    )
    return replace(made, **changes)


def test_a_plan_comes_back_whole_from_its_json():
    for made in (plan(), plan(source="demo"), plan(source=None), plan(card="full")):
        assert RunPlan.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_a_path_is_written_as_it_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert plan(source="photos").to_json()["source"] == str(tmp_path / "photos")
    assert plan(source=[sd.Example(1, 2)]).to_json()["source"] == "in memory"


def test_config_json_is_the_plan_that_was_carried_out(run):
    config = json.loads((run / "config.json").read_text())
    assert config.pop("schema") == SCHEMA
    assert Run.open(run).plan().to_json() == config


@pytest.mark.parametrize("name", ["recipe", "budget", "training"])
def test_a_config_that_lacks_a_part_of_the_plan_is_damaged(run, name):
    config = json.loads((run / "config.json").read_text())
    del config[name]
    (run / "config.json").write_text(json.dumps(config))
    with pytest.raises(sd.RunError, match=r"config\.json is damaged"):
        Run.open(run).plan()


VERBS = [
    ("predict", "RUN", "photos"),
    ("eval", "RUN"),
    ("card", "RUN"),
    ("compare", "RUN", "RUN"),
    ("inspect", "RUN"),
    ("label", "RUN", "photos"),
    ("train", "--resume", "RUN"),
    ("train", "classify", "photos", "--from", "RUN"),
]


def test_a_run_of_the_former_format_is_refused_by_every_verb(sounding, photos, run):
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "schema": 1, "command": "sounding train classify photos"}))
    for words in VERBS:
        status, _, err = sounding(*(run if word == "RUN" else word for word in words))
        assert status == 1, words
        assert "run format 1, this one reads 2" in err, words
        assert "sounding train classify photos; or use it with the version that made it" in err, words
        assert "Traceback" not in err
