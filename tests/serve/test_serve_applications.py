"""Every application behind HTTP, through the contract alone: asked, explained, disturbed; the others as before."""

from __future__ import annotations

import json

import numpy as np
import pytest
from served import Local, error, sendable

import sounding
from sounding import catalog
from sounding.contract.inputs import Corruptible, Queried
from sounding.contract.player import Player
from sounding.errors import DataError
from sounding.runs.watching import watch
from sounding.serve.answers import plain

NAMES = list(catalog.names())
PLAYERS = [name for name in NAMES if issubclass(catalog.find(name), Player)]
GAMES = [name for name in PLAYERS if catalog.find(name).thinker is not Player.thinker]  # others play against nobody


def question(models, name):
    """A value that can be asked about, as JSON."""
    model, rows = models[name]
    for row in rows:
        if not isinstance(model.task.input, Queried):
            return sendable(model.task, row.input)
        try:
            model.task.input.query(row.input)
        except DataError:
            continue
        return sendable(model.task, row.input)
    return sendable(model.task, rows[0].input)


def test_all_are_listed_with_what_a_form_needs(local: Local):
    listed = local.http.get("/v1/models").json()["data"]
    assert [one["id"] for one in listed] == [f"{name}/1" for name in NAMES]
    for one in listed:
        assert one["input"]["written"] or one["input"]["files"]
        assert (one["game"] is not None) == (one["task"] in GAMES)
        assert local.http.get(f"/v1/models/{one['id']}").json()["id"] == one["id"]


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_that_of_the_model(local, models, name):
    model, _ = models[name]
    asked = {"model": f"{name}/1", "inputs": question(models, name)}
    one = local.http.post("/v1/predict", json=asked)
    assert one.status_code == 200, one.text
    two = local.http.post("/v1/predict", json={**asked, "inputs": [asked["inputs"]] * 2}).json()
    (shown,) = [local.http.post("/v1/show", json=asked).json()]
    assert len(two) == 2
    assert shown["answers"] == one.json()
    assert shown["drawing"].startswith("<")
    if not isinstance(model.task.input, Corruptible):
        return
    assert len(two[0]) == len(one.json())
    for disturbance in list(model.task.input.corruptions)[:2]:
        worse = local.http.post("/v1/show", json={**asked, "disturbance": disturbance, "severity": 5})
        assert worse.status_code == 200, worse.text


@pytest.mark.parametrize("name", NAMES)
def test_an_explanation_names_every_part(local, models, name):
    asked = {"model": f"{name}/1", "inputs": question(models, name)}
    why = local.http.post("/v1/explain", json=asked)
    assert why.status_code == 200, why.text
    found = why.json()
    assert len(found["segments"]) == len(found["weights"]) > 0
    assert all(np.isfinite(part["weight"]) and part["where"] for part in found["segments"])
    drawn = local.http.post("/v1/show", json={**asked, "explain": "occlusion"}).json()
    assert drawn["explanation"]["weights"] == pytest.approx(found["weights"], abs=1e-4)


def test_a_classifier_answers_as_it_does_in_python(local, models):
    model, rows = models["classify"]
    inputs = [sendable(model.task, row.input) for row in rows[:5]]
    found = local.http.post("/v1/predict", json={"model": "classify/1", "inputs": inputs}).json()
    expected = model([row.input for row in rows[:5]]).to_dicts()
    assert [[each["label"] for each in one] for one in found] == [[each["label"] for each in one] for one in expected]
    scores = [[each["score"] for each in one] for one in found]
    assert scores == [pytest.approx([each["score"] for each in one], abs=1e-5) for one in expected]


@pytest.mark.parametrize("name", NAMES)
def test_a_pipeline_of_python_answers_alike_and_its_results_are_drawn_and_kept(local, models, name, tmp_path):
    model, rows = models[name]
    asked = question(models, name)
    value = next(row.input for row in rows if sendable(model.task, row.input) == asked)
    (answers,) = sounding.pipeline(model=local.shelf.find(f"{name}/1").place)([value])
    served = local.http.post("/v1/predict", json={"model": f"{name}/1", "inputs": [asked]}).json()
    assert [sorted(each) for each in answers] == [sorted(each) for each in served[0]]
    results = model([value])
    assert json.loads(json.dumps(plain(results.to_dicts()[0]))) == json.loads(json.dumps(plain(answers)))
    assert results.plot().markup().startswith("<")
    assert results.save(tmp_path / "results.jsonl") == 1
    kept = json.loads((tmp_path / "results.jsonl").read_text())
    assert list(kept) == ["input", "answer", "score"]
    results[0].save(tmp_path / "result.html")
    assert results[0].plot().markup() in (tmp_path / "result.html").read_text()


# ---- games


@pytest.mark.parametrize("name", GAMES)
def test_a_game_is_played_to_its_end(local, name):
    moves, asked = [], {"model": f"{name}/1", "strength": 1, "seed": 3}
    state = local.http.post("/v1/play", json=asked).json()
    assert state["moves"] == []
    assert not state["over"]
    for _ in range(6):
        if state["over"]:
            break
        moves = [*state["moves"], state["legal"][len(state["legal"]) // 2]]
        state = local.http.post("/v1/play", json={**asked, "moves": moves, "answer": True}).json()
        assert state["moves"][: len(moves)] == moves
        assert state["over"] or state["answer"] == state["moves"][-1]
    assert (
        state["thought"]["candidates"][0]["move"]
        in local.http.post("/v1/play", json={**asked, "moves": state["moves"][:-1]}).json()["legal"]
    )


def test_a_rating_is_refused_where_none_is_known(local):
    assert local.http.get("/v1/models/connect4/1").json()["game"] == {"levels": 10, "ratings": None, "sizes": []}
    answer = local.http.post("/v1/play", json={"model": "connect4/1", "rating": 1500, "answer": True})
    assert answer.status_code == 400
    assert "none is known of it" in answer.text


def test_an_agent_is_watched_as_from_the_command_line(local, models):
    model, _ = models["arcade"]
    steps = episode(local, {"model": "arcade/1", "seed": 3})
    with model.agent.environments(1) as environments:
        seen = watch(environments, model.agent.act, None, 3, "it", lambda seen: np.zeros((1, 1, 3), np.uint8))
    assert seen is not None
    assert [step["score"] for step in steps] == np.cumsum(seen.recording.rewards).tolist()
    assert [step["action"] for step in steps] == [str(action) for action in seen.recording.actions.tolist()]
    assert [step["ended"] for step in steps] == [False] * (len(steps) - 1) + [True]
    for step in steps:
        assert step["picture"].startswith("data:image/png;base64,")
        assert sum(answer["score"] for answer in step["answers"]) == pytest.approx(1, abs=1e-5)
    assert len(episode(local, {"model": "arcade/1", "seed": 3, "steps": 2})) == 2
    worse = episode(local, {"model": "arcade/1", "seed": 3, "disturbance": "delay", "severity": 5})
    assert [step["expected"] for step in worse] != [step["expected"] for step in steps]


def episode(local, asked) -> list[dict]:
    """The steps that are streamed."""
    lines = local.http.post("/v1/watch", json=asked).text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"model": "connect4/1"}, "acts in no environment"),
        ({"model": "arcade/1", "steps": 10**6}, "steps are not shown"),
        ({"model": "arcade/1", "disturbance": "nois"}, "Did you mean noise"),
        ({"model": "arcade/1", "disturbance": "noise", "severity": 9}, "no severity 9"),
        ({"model": "arcade/1", "seed": "x"}, "is no int"),
    ],
)
def test_an_episode_that_is_none_is_refused(local, asked, said):
    refused = local.http.post("/v1/watch", json=asked)
    assert (refused.status_code, said in error(refused)) == (400, True), refused.text


def test_an_illegal_move_is_named(local):
    full = {"model": "connect4/1", "moves": ["A"] * 7}
    refused = local.http.post("/v1/play", json=full)
    assert refused.status_code == 400
    assert error(refused).startswith("move 7 (A): ")
    refused = local.http.post("/v1/play", json={"model": "connect4/1", "moves": ["Z9"]})
    assert (refused.status_code, "move 1 (Z9)" in error(refused)) == (400, True)
    refused = local.http.post("/v1/play", json={"model": "classify/1", "moves": []})
    assert (refused.status_code, "no game" in error(refused)) == (400, True)
