"""Exports of what plays: the answers of their runs without torch, searches with them, games against them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import sounding as sd
from sounding.errors import UsageError
from sounding.exports.parity import parity
from sounding.games.thinking import Limit

pytest.importorskip("onnxscript", reason="what writes ONNX is an extra: pip install 'sounding[export]'")
pytest.importorskip("onnxruntime")
pytest.importorskip("numba", reason="games are an extra: pip install 'sounding[games]'")
pytest.importorskip("gymnasium", reason="environments are an extra: pip install 'sounding[arcade]'")

TRAINED = {"steps": 2, "size": "tiny", "card": None}
SOURCES = {"connect4": None, "go": None, "chess": None, "arcade": "CartPole-v1"}
ASKED = {"connect4": "D D C", "go": "C3 B2", "chess": "e4 e5 Nf3", "arcade": "0.1, 0, -0.05, 0.2"}
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
import httpx
import sounding.serve.running  # all that a service brings
from sounding.serve.app import app
from sounding.serve.models import Shelf

async def answers(folders, asked, game):
    transport = httpx.ASGITransport(app(Shelf([Path(folder) for folder in folders], 2**30)))
    found = []
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=300) as client:
        models = (await client.get("/v1/models")).json()["data"]
        for model, inputs in zip(models, asked, strict=True):
            body = {"model": model["id"], "inputs": inputs}
            found.append((await client.post("/v1/predict", json=body)).json())
        body = {"model": models[0]["id"], "moves": game, "answer": True, "strength": 8, "seed": 1}
        played = (await client.post("/v1/play", json=body)).json()
    return found, [model["game"] is not None for model in models], played

found = asyncio.run(answers(*json.load(sys.stdin)))
heavy = [name for name in ("torch", "pyarrow", "matplotlib") if name in sys.modules]
print(json.dumps([*found, heavy]))
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    found = {}
    for name, source in SOURCES.items():
        named = () if source is None else (source,)
        run = sd.train(name, *named, out=tmp_path_factory.mktemp(name), **TRAINED)
        found[name] = run, sd.export(run, "onnx", card=None)
    return found


def rows(run, most: int = 30):
    """Some input values that were held out."""
    data = run.dataset()
    return [example.input for example in [*data.validation, *data.test][:most]]


@pytest.mark.parametrize("name", SOURCES)
def test_every_position_is_answered_as_the_run_answers_it(exported, name):
    _, made = exported[name]
    assert made.parity.kept
    assert made.parity.rows >= 4
    assert made.parity.different == 0
    said = json.loads((made.model.dir / "model.json").read_text())
    assert all(axes[0] == "batch" for axes in (*said["inputs"].values(), *said["outputs"].values()))
    assert not any(0 in axes for axes in said["outputs"].values())  # nothing that the game has not


def test_a_service_answers_and_plays_without_torch(exported):
    folders = [str(made.model.dir) for _, made in exported.values()]
    sent = json.dumps([folders, list(ASKED.values()), ["D", "D"]])
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=sent, capture_output=True, text=True, check=True)
    found, play, played, heavy = json.loads(done.stdout)
    assert heavy == []
    assert play == [True, True, True, False]
    for name, answers in zip(SOURCES, found, strict=True):
        run, _ = exported[name]
        own = run(ASKED[name]).to_dicts()[0]
        assert [each["label"] for each in answers] == [each["label"] for each in own]
        assert [each["score"] for each in answers] == pytest.approx([each["score"] for each in own], abs=1e-3)
    run, _ = exported["connect4"]
    assert played["moves"][:2] == ["D", "D"]
    assert played["answer"] == played["moves"][2]
    assert played["thought"]["win_rate"] == pytest.approx(thought(run, ["D", "D"], 64).win_rate, abs=1e-3)


def thought(model, moves, simulations: int):
    """What a model thinks after these moves."""
    thinker = model.thinker()
    position = thinker.game.start(1)
    for move in moves:
        thinker.game.play(position, [thinker.game.action(move, position[0])])
    return thinker.think(thinker.game, position, Limit(simulations=simulations))


def test_a_search_asks_the_exported_network(exported):
    """Territory and owners of Go as well; the same tree as with the network of the run."""
    run, made = exported["go"]
    own, theirs = (thought(each, ["C3", "B2"], 16) for each in (run, made.model))
    assert [each.visits for each in theirs.candidates] == [each.visits for each in own.candidates]
    assert theirs.win_rate == pytest.approx(own.win_rate, abs=1e-4)
    assert theirs.lead == pytest.approx(own.lead, abs=1e-2)
    assert theirs.ownership == pytest.approx(own.ownership, abs=1e-3)


def test_a_search_that_was_asked_for_is_a_part_of_the_exported_model(exported, tmp_path):
    run, made = exported["connect4"]
    searching = sd.load(run.dir, options={"search": 16})
    theirs = sd.export(searching, "onnx", tmp_path, card=None)
    assert theirs.parity.kept
    values = rows(run, 8)
    own, found, at_once = ([each.score for each in model(values)] for model in (searching, theirs.model, made.model))
    assert found == pytest.approx(own, abs=1e-3)
    assert found != pytest.approx(at_once, abs=1e-3)
    assert [each.label for each in theirs.model(values)] == [each.label for each in searching(values)]
    assert "16 simulations" in (tmp_path / "model.json").read_text()


def test_a_rating_that_was_asked_for_is_a_part_of_the_exported_model(exported, tmp_path):
    run, made = exported["chess"]
    rated = sd.load(run.dir, options={"rating": 2700})
    theirs = sd.export(rated, "onnx", tmp_path, card=None)
    assert theirs.parity.kept
    values = rows(run, 8)
    own, found, unrated = ([each.score for each in model(values)] for model in (rated, theirs.model, made.model))
    assert found == pytest.approx(own, abs=1e-5)
    assert found != pytest.approx(unrated, abs=1e-5)
    moves = ["e4", "e5"]
    searched = thought(theirs.model, moves, 16).win_rate
    assert searched == pytest.approx(thought(rated, moves, 16).win_rate, abs=1e-5)
    assert searched != pytest.approx(thought(made.model, moves, 16).win_rate, abs=1e-5)
    with pytest.raises(UsageError, match="rating cannot be changed"):
        made.model(values, rating=2700)


@pytest.mark.parametrize("name", ["connect4", "arcade"])
def test_losses_ask_the_exported_network(exported, name):
    """What measures an exported model beside the run must not ask the weights of the run."""
    from sounding.exports.side_by_side import outputs_of

    run, made = exported[name]
    x = run.task.encode_inputs(rows(run, 4))
    like = run.task.outputs(run.module, x)

    def higher(arrays):
        return tuple(each + 1 for each in made.model.network(arrays))

    other = run.task.standing_in(run.module, outputs_of(higher, like))
    for one, shifted in zip(like, run.task.outputs(other, x), strict=True):
        assert float((shifted - one).max()) == pytest.approx(1, abs=1e-4)


def test_parity_sees_positions_that_are_judged_otherwise(exported):
    run, made = exported["connect4"]
    with_other_weights = sd.load(run.dir)
    for parameter in with_other_weights.module.parameters():
        parameter.data.mul_(1.5)
    found = parity(with_other_weights.task, with_other_weights.module, made.model, rows(run))
    assert found.different
    assert not found.kept


def test_what_acts_alone_is_played_against_by_nobody(exported):
    _, made = exported["arcade"]
    with pytest.raises(UsageError, match="has learnt no game"):
        made.model.thinker()
