"""What the package plays by itself, served without a run."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import chess
import pytest
from browser import CHROMIUM, MISSING, Browser
from served import error, serving
from test_serve_page import require_sound

from sounding.errors import RunError
from sounding.serve import models
from sounding.serve.models import named


@pytest.fixture(scope="module")
def local():
    with serving(Path("chess"), Path("connect4"), Path("go")) as found:
        yield found


def test_the_package_plays_by_the_names_of_games(local):
    about = {model["id"]: model for model in local.http.get("/v1/models").json()["data"]}
    assert list(about) == ["chess", "connect4", "go"]
    assert [model["game"]["levels"] for model in about.values()] == [10, 10, 10]
    assert [model["game"]["sizes"] for model in about.values()] == [[], [], [9, 7]]
    assert [model["input"] is None for model in about.values()] == [True, False, False]


def test_the_engine_answers_a_move_by_a_legal_one_with_its_thoughts(local):
    asked = {"model": "chess", "moves": ["e2e4"], "answer": True, "strength": 1, "seed": 0}
    found = local.http.post("/v1/play", json=asked).json()
    board = chess.Board()
    board.push_uci("e2e4")
    assert chess.Move.from_uci(found["answer"].lower()) in board.legal_moves
    assert found["thought"]["player"] == 1
    assert 0 < found["thought"]["win_rate"] < 1
    board.push_uci(found["answer"].lower())
    assert {move.lower() for move in found["legal"]} == {move.uci() for move in board.legal_moves}


def test_an_engine_is_played_with_and_asked_nothing_else(local):
    for address in ("predict", "explain", "show"):
        answer = local.http.post(f"/v1/{address}", json={"model": "chess", "inputs": "e2e4"})
        assert answer.status_code == 400
        assert "the engine of chess plays, and answers nothing else" in error(answer)
    illegal = local.http.post("/v1/play", json={"model": "chess", "moves": ["e2e5"]})
    assert illegal.status_code == 400
    assert "move 1 (e2e5)" in error(illegal)
    written = local.http.post("/v1/completions", json={"model": "chess", "prompt": "e2e4"})
    assert written.status_code == 400


@pytest.mark.parametrize(("game", "moves"), [("connect4", "D D C"), ("go", "E5 C3")])
def test_networks_of_the_package_answer_as_runs_do(local, game, moves):
    (best, *_) = local.http.post("/v1/predict", json={"model": game, "inputs": moves}).json()
    assert 0 < best["score"] <= 1
    asked = {"model": game, "moves": moves.split(), "answer": True, "strength": 1, "seed": 0}
    assert len(local.http.post("/v1/play", json=asked).json()["moves"]) == len(moves.split()) + 1


@pytest.mark.parametrize(("size", "lines"), [(None, 9), (9, 9), (7, 7)])
def test_go_is_played_on_each_board_that_there_is_a_network_for(local, size, lines):
    asked = {"model": "go", "moves": ["D4"], "answer": True, "strength": 1, "seed": 0, "size": size}
    found = local.http.post("/v1/play", json=asked).json()
    assert [len(row) for row in found["rows"]] == [lines] * lines
    assert len(found["thought"]["ownership"]) == lines * lines
    refused = local.http.post("/v1/play", json={**asked, "size": 13})
    assert (refused.status_code, "13" in error(refused)) == (400, True)


def test_while_a_game_is_compiled_the_service_answers_all_else(monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    warmed = models._warmed

    def slow(model):
        begun.set()
        assert go_on.wait(60)
        return warmed(model)

    monkeypatch.setattr(models, "_warmed", slow)
    asked = {"model": "connect4", "moves": ["D"]}
    try:
        with serving(Path("connect4"), Path("go"), timeout=0.5) as local:
            assert begun.wait(60)  # ahead of any question
            assert local.http.get("/health").json()["compiling"] == "connect4"
            refused = local.http.post("/v1/play", json=asked)
            assert (refused.status_code, "still being compiled" in error(refused)) == (503, True)
            assert local.http.post("/v1/predict", json={"model": "connect4", "inputs": "D"}).status_code == 200
            go_on.set()
            until = time.monotonic() + 60
            while "compiling" in local.http.get("/health").json() and time.monotonic() < until:
                time.sleep(0.05)
            assert local.http.post("/v1/play", json=asked).status_code == 200
    finally:
        go_on.set()


def test_a_folder_goes_before_the_package(tmp_path, monkeypatch):
    (tmp_path / "chess").mkdir()
    monkeypatch.chdir(tmp_path)
    assert list(named([Path("chess")]).values()) == [tmp_path / "chess"]
    with pytest.raises(RunError, match="chess"), serving(Path("chess")):
        pass


@pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
def test_chess_is_played_in_a_browser_without_a_run(local, tmp_path):
    with Browser(tmp_path) as browser:
        page = browser.page(f"{local.url}/#chess")
        page.wait("document.querySelector('.square.legal')")
        strength = "document.querySelector('#input input[type=range]')"
        page.run(f"{strength}.value = 1; {strength}.dispatchEvent(new Event('input'))")
        for square in ("E2", "E4"):
            page.run(f"document.querySelector('.square[aria-label^={square}]').click()")
        page.wait("/The model played/.test(document.querySelector('#input').textContent)")
        page.wait("/Your chance/.test(document.querySelector('#answer').textContent)")
        assert page.run("document.querySelector('#input details')") is None
        require_sound(page, "chess-of-the-package")


@pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
def test_the_board_is_chosen_in_a_browser(local, tmp_path):
    with Browser(tmp_path) as browser:
        page = browser.page(f"{local.url}/#go")
        page.wait("document.querySelectorAll('.square').length === 81")
        page.run(
            "const size = [...document.querySelectorAll('#input select')].find((each) => each.value === '9');"
            "size.value = 7; size.dispatchEvent(new Event('change'))"
        )
        page.wait("document.querySelectorAll('.square').length === 49")
        strength = "document.querySelector('#input input[type=range]')"
        page.run(f"{strength}.value = 1; {strength}.dispatchEvent(new Event('input'))")
        page.run("document.querySelector('.square[aria-label^=D4]').click()")
        page.wait("/The model played/.test(document.querySelector('#input').textContent)")
        page.wait("/after 1 simulation /.test(document.querySelector('#answer').textContent)")
        require_sound(page, "go-on-seven-lines")
