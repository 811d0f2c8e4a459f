"""The page: served from the package alone, and alive in a real browser where there is one.

Set SOUNDING_SCREENSHOTS to a folder, and what was looked at is kept there. Where axe-core is (see `browser.py`), it
looks at every page.
"""

from __future__ import annotations

import base64
import re
import warnings
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from browser import AXE, CHROMIUM, DESK, MISSING, NO_AXE, PHONE, Browser, Page
from served import Local, save, sendable, serving

from sounding import catalog
from sounding.contract.inputs import Assembled, Audible, Corruptible
from sounding.games.game import Game
from sounding.runs.model import Model
from sounding.serve.watching import watching
from sounding.training.progress import Standing

FILES = sorted(path.name for path in resources.files("sounding.serve").joinpath("page").iterdir())
NAMES = list(catalog.names())
HTML = "document.querySelector('#answer').innerHTML"
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if AXE is None:
        warnings.warn(NO_AXE, stacklevel=1)
    with Browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


def test_all_of_the_page_is_in_the_package_and_nothing_comes_from_elsewhere(local: Local):
    assert {"index.html", "watch.html", "main.js", "style.css"} <= set(FILES)
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


# ---- in a browser


def require_sound(page: Page, name: str, refusals: str = "") -> None:
    """No fault on the desk in light, nor on a phone in dark; both are kept as pictures."""
    for size, dark, which in ((DESK, False, ""), (PHONE, True, "-phone-dark")):
        page.look(size, dark)
        page.screenshot(f"{name}{which}")
        assert page.faults(refusals) == []
        assert AXE is None or page.axe() == []
    page.look()


def give(page: Page, model: Model, value: Any, folder: Path) -> None:
    """An input, as a person gives it: typed, pasted, or as files."""
    sent = sendable(model.task, value)
    if isinstance(model.task.input, Assembled):
        rows = zip(*sent.values(), strict=True)
        sent = "\n".join([",".join(sent), *(",".join(map(str, row)) for row in rows)])
    if isinstance(sent, dict) and "fen" in sent:
        sent = sent["fen"]
    if isinstance(sent, dict) and "board" in sent:
        sent = "D C" if len(sent["board"][0]) == 7 else "C3"
    if model.task.input.written or isinstance(model.task.input, Assembled):
        page.run("document.querySelector('#input textarea').focus()")
        page.type(sent)
    elif isinstance(model.task.input, Audible):
        attach(page, folder / "said.wav", base64.b64decode(model.task.input.clip(value, "it").base64))
    elif isinstance(sent, dict):
        attach(page, folder / "first.png", base64.b64decode(sent["first"]))
        attach(page, folder / "second.png", base64.b64decode(sent["second"]), 1)
    else:
        attach(page, folder / "picture.png", base64.b64decode(sent))


def attach(page: Page, file: Path, content: bytes, which: int = 0) -> None:
    file.write_bytes(content)
    page.attach("#input input[type=file]", file, which)


def choose(page: Page, label: str, value: str, which: int = -1) -> None:
    """Choose a value of the field of that label: the last one, or another."""
    page.run(f"""(() => {{
        const fields = [...document.querySelectorAll('#input label')];
        const field = fields.filter((each) => each.textContent.startsWith({label!r})).at({which});
        const control = field.querySelector('select, input');
        control.value = {value!r};
        control.dispatchEvent(new Event('input'));
        control.dispatchEvent(new Event('change'));
    }})()""")


def settle(page: Page) -> None:
    """Wait for the answer."""
    page.wait("!document.querySelector('#answer.busy') && document.querySelector('#answer .paper, #answer .written')")


@in_a_browser
@pytest.mark.parametrize("name", NAMES)
def test_an_application_is_asked_explained_and_disturbed(local, browser, models, name, tmp_path):
    model, rows = models[name]
    page = browser.page(f"{local.url}/#{name}/1")
    page.wait("document.querySelector('#input button')")
    page.run("document.querySelector('#input > details')?.setAttribute('open', '')")  # what plays: about one position
    give(page, model, rows[0].input, tmp_path)
    page.run("[...document.querySelectorAll('#input button')].find((each) => each.textContent === 'Ask').click()")
    settle(page)
    choose(page, "Explain the answer", "occlusion")
    page.wait("/speaks/.test(document.querySelector('#answer').textContent)")
    if isinstance(model.task.input, Corruptible):
        page.run(f"globalThis.before = {HTML}")
        choose(page, "How strongly", "5")
        page.wait(f"{HTML} !== before && !document.querySelector('#answer.busy')")
    require_sound(page, name)
    page.close()


@in_a_browser
def test_a_text_is_asked_about_by_keyboard_alone(local, browser):
    page = browser.page(f"{local.url}/#sentiment/1")
    page.wait("document.querySelector('#input button')")
    for _ in range(4):
        page.key("Tab")
        if page.run("document.activeElement.tagName") == "TEXTAREA":
            break
    page.type("a lovely film")
    while page.run("document.activeElement.textContent") != "Ask":
        page.key("Tab")
    page.key("Enter")
    settle(page)
    assert "a lovely film" in page.run("document.querySelector('#answer .paper').textContent")
    assert page.faults() == []
    page.close()


@in_a_browser
def test_a_game_is_played_by_keyboard_alone(local, browser):
    page = browser.page(f"{local.url}/#connect4/1")
    page.wait("document.querySelector('.square.legal')")
    page.run("document.querySelector('#models').focus()")
    while not page.run("document.activeElement.classList.contains('square')"):
        page.key("Tab")
    for key in ("ArrowLeft", "ArrowDown", "Enter"):
        page.key(key)
    page.wait(
        "document.querySelectorAll('.stone.x').length === 1 && document.querySelectorAll('.stone.o').length === 1"
    )
    page.wait("/Your chance/.test(document.querySelector('#answer').textContent)")
    assert page.run("document.querySelector('.stone.x').closest('.square').getAttribute('aria-label')").startswith("C1")
    require_sound(page, "connect4-played")
    page.close()


@in_a_browser
def test_chess_is_played_from_square_to_square(local, browser):
    page = browser.page(f"{local.url}/#chess/1")
    page.wait("document.querySelector('.square.legal')")
    for square in ("E2", "E4"):
        page.run(f"document.querySelector('.square[aria-label^={square}]').click()")
    page.wait("/The model played/.test(document.querySelector('#input').textContent)")
    assert page.run("document.querySelector('.square[aria-label^=E4]').ariaLabel").startswith("E4, white pawn")
    require_sound(page, "chess-played")
    page.close()


@in_a_browser
def test_an_agent_is_watched_in_a_world_that_is_disturbed(local, browser):
    page = browser.page(f"{local.url}/#arcade/1")
    page.wait("document.querySelector('#input button.main')")
    page.run("document.querySelector('#input button.main').focus()")
    page.key("Enter")
    page.wait("/ended with step/.test(document.querySelector('#input').textContent)")
    assert page.run("document.querySelector('#input img').naturalWidth") > 100
    assert page.run("document.querySelectorAll('#answer meter').length") == 2
    page.run("document.querySelector('#input [role=status]').textContent = ''")
    choose(page, "How strongly", "5", which=0)
    page.wait("/ended with step/.test(document.querySelector('#input').textContent)")
    require_sound(page, "arcade-watched")
    page.close()


@in_a_browser
def test_speech_is_recorded_by_the_microphone(local, browser):
    page = browser.page(f"{local.url}/#transcribe/1")
    record = "[...document.querySelectorAll('#input button')].find((each) => /Record|Stop/.test(each.textContent))"
    page.wait(record)
    page.run(f"{record}.click()")
    page.wait("/recording …/.test(document.querySelector('#input').textContent)")
    page.run("new Promise((resolve) => setTimeout(resolve, 600))")
    page.run(f"{record}.click()")
    page.wait("document.querySelector('#answer audio')")
    assert page.run("document.querySelector('#answer audio').src.startsWith('data:audio/')")
    assert page.faults() == []
    page.close()


@in_a_browser
@pytest.mark.parametrize("address", ["/", "/docs"])
def test_a_service_with_a_token_asks_for_it(browser, models, address, tmp_path):
    with serving(save(models["sentiment"][0], tmp_path / "sentiment" / "1"), token="secret") as guarded:
        page = browser.page(f"{guarded.url}{address}")
        page.wait("document.querySelector('dialog[open]')")
        assert "This service asks for a token" in page.run("document.querySelector('dialog[open]').textContent")
        page.type("secret")
        page.key("Enter")
        page.wait("document.querySelector('#input textarea, #addresses section')")
        assert page.faults(refusals="401") == []
        page.close()


@in_a_browser
def test_a_training_is_shown_until_it_ends(browser):
    said: list[str] = []
    with watching(0, "sentiment", said.append) as watcher:
        course = watcher.course
        course.begin()
        for step in range(1, 60):
            course.seen(1e-3)
            course.note(Standing(step / 100, step, 100, 1.0, 1 / step, 50.0, 20.0, "accuracy", 0.9))
        course.validated({"step": 50, "epoch": 1.0, "seconds": 1.0, "validation_loss": 0.4, "accuracy": 0.9})
        course.show(
            {"step": 50, "rows": 16, "verdict": "healthy", "sentence": "Healthy.", "names": ["head"]}
            | {"kinds": ["Linear"], "std": [1.0], "gradient_norm": [0.1], "weight": [0.2], "dead": [None]}
        )
        page = browser.page(said[0].split()[-1])
        page.wait("document.querySelectorAll('.curves svg path').length >= 2")
        text = page.run("document.body.innerText")
        assert [word for word in ("59 of 100", "accuracy 0.9", "head", "Healthy") if word not in text] == []
        require_sound(page, "watch")
    page.wait("document.title === 'sentiment: the training is finished'")
    assert page.faults() == []
    page.close()


# ---- boards


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
