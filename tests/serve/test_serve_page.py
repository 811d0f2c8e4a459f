"""The page: served from the package alone, and alive in a real browser where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib import resources

import pytest
from served import Local, save, serving, untrained

from sounding.games.game import Game

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--virtual-time-budget=15000"),
    *("--enable-logging=stderr", "--v=0"),
)
FILES = sorted(path.name for path in resources.files("sounding.serve").joinpath("page").iterdir())
NAMES = ("classify", "sentiment", "forecast", "transcribe", "connect4")


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    top = tmp_path_factory.mktemp("runs")
    with serving(*(save(untrained(name)[0], top / name / "1") for name in NAMES)) as found:
        yield found


def test_all_of_the_page_is_in_the_package_and_nothing_comes_from_elsewhere(local: Local):
    assert {"index.html", "main.js", "style.css"} <= set(FILES)
    for name in FILES:
        text = local.http.get(f"/page/{name}").text
        assert set(re.findall(r"https?://[\w./]+", text)) <= {"http://www.w3.org/2000/svg"}, name
        for asked in re.findall(r'(?:from|src=|href=)\s*"(\.?/[\w./]+)"', text):
            place = asked if asked.startswith("/") else f"/page/{asked.removeprefix('./')}"
            assert local.http.get(place).status_code == 200, (name, asked)
    for entrance in ("/", "/docs"):
        answer = local.http.get(entrance)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert local.http.get("/page/../app.py").status_code == 404
    assert local.http.get("/page/%2e%2e/app.py").status_code == 404


def dom(local: Local, address: str, tmp_path, refusals: str = "") -> str:
    """The page as it stands when its scripts have run. Fails where the browser's console has an error.

    But for `refusals`: a browser notes every answer of that status.
    """
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path}", "--dump-dom", f"{local.url}{address}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert [line for line in console if not refusals or refusals not in line] == []
    return done.stdout


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
@pytest.mark.parametrize(
    ("address", "holds"),
    [
        ("/#sentiment/1", ["<textarea", "Explain the answer", "typos", 'type="range"']),
        ("/#connect4/1", ['aria-label="D1, empty, can be played"', "Your turn.", "Strength"]),
    ],
)
def test_a_model_gets_its_form(local, address, holds, tmp_path):
    found = dom(local, address, tmp_path)
    assert [word for word in holds if word not in found] == []
    assert found.count("<option") >= len(NAMES)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
@pytest.mark.parametrize("address", ["/", "/docs"])
def test_a_service_with_a_token_asks_for_it(address, tmp_path):
    with serving(save(untrained("sentiment")[0], tmp_path / "sentiment" / "1"), token="secret") as local:
        found = dom(local, address, tmp_path / "browser", refusals="401")
    assert "<dialog" in found
    assert "This service asks for a token" in found
    assert "secret" not in found


@pytest.mark.parametrize(("rules", "first", "middle"), [("chess", "rnbqkbnr", "PPPPPPPP"), ("go", ".....", ".....")])
def test_a_board_is_told_in_signs(rules, first, middle):
    game = game_of(rules)
    rows = game.signs(game.start(1)[0])
    assert (rows[0], rows[-2], len(rows)) == (first, middle, game.shape[1])


def test_a_stone_has_its_sign():
    game = game_of("go")
    position = game.start(1)
    game.play(position, [game.action("B5")])
    game.play(position, [game.action("E1")])
    assert game.signs(position[0]) == [".X...", ".....", ".....", ".....", "....O"]


def game_of(rules: str) -> Game:
    if rules == "chess":
        from sounding.games.chess.rules import Chess

        return Chess()
    from sounding.games.go import Go

    return Go(5)
