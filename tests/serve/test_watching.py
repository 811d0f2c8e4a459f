"""A training that is watched: what its page is told is what happens, nothing of it changes, and it ends with it."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch

import sounding as sd
from sounding.contract.player import Experience
from sounding.serve.watching import looks, watching
from sounding.serve.watching.course import MOST, Course, Place
from sounding.serve.watching.looks import Allowance
from sounding.training.loop import Interrupted
from sounding.training.progress import Reporter, Standing

DOTS = str(Path(__file__).parents[1] / "contract" / "dots.py")
NIM = str(Path(__file__).parents[1] / "applications" / "toys" / "nim.py")


class Always(Allowance):
    """Time for a look after every step."""

    def allows(self, seconds: float) -> bool:
        return True


class Person(Reporter):
    """Looks at the page after step `at`, and listens until it ends."""

    def __init__(self, at: int, interrupt: bool = False) -> None:
        self.at, self.said, self.heard, self.losses = at, [], [], {}
        self.examples: list[dict] = []
        self._interrupt = interrupt

    def say(self, message: str) -> None:
        self.said.append(message)

    def stepped(self, standing: Standing) -> None:
        self.losses[standing.step] = standing.loss
        if standing.step != self.at:
            return
        (self.url,) = [word for line in self.said for word in line.split() if word.startswith("http")]
        with httpx.Client(base_url=self.url, trust_env=False) as http:
            self.examples = http.get("/watch/examples").json()
            self.elsewhere = http.get("/watch/examples", headers={"Host": "elsewhere.example"}).status_code
        self.listening = threading.Thread(target=self._listen, daemon=True)
        self._first = threading.Event()
        self.listening.start()
        assert self._first.wait(20)
        if self._interrupt:
            raise Interrupted("stopped by a person")

    def _listen(self) -> None:
        with httpx.stream("GET", f"{self.url}watch/course", trust_env=False, timeout=30) as response:
            for line in response.iter_lines():
                if line.startswith("data: "):
                    self.heard.append(json.loads(line.removeprefix("data: ")))
                    self._first.set()


def trained(out: Path, task: str = DOTS, person: Person | None = None, **words) -> sd.Model:
    watched = {} if person is None else {"watch": 0, "reporter": person, "say": person.say}
    source = {} if task == NIM else {"source": "demo"}
    return sd.train(task, steps=24, out=out / "run", card=None, **source, **watched, **words)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    person = Person(at=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looks, "Allowance", Always)
        model = trained(tmp_path_factory.mktemp("watched"), person=person)
    person.listening.join(20)
    return person, model


def test_the_page_is_told_what_happens(watched):
    person, model = watched
    first, last = person.heard[0], person.heard[-1]
    steps = [step for step, _, _ in first["points"]]
    assert first["anew"]
    assert steps == list(range(1, len(steps) + 1))
    assert steps[-1] in (11, 12)  # the page may be told of the step before its standing
    assert {step: loss for step, loss, _ in first["points"]} == {step: person.losses[step] for step in steps}
    assert first["standing"]["steps"] == 24
    assert 0 < first["energy"]["joules"] < last["energy"]["joules"]
    assert last["energy"]["joules"] == pytest.approx(model.training["joules"]["value"], rel=0.5)
    rows = [row for told in person.heard for row in told["rows"]]
    assert [(row["step"], row["accuracy"]) for row in rows] == [
        (row["step"], row["accuracy"]) for row in model.training["history"]
    ]
    assert (last["state"], last["standing"]["progress"]) == ("finished", 1.0)
    assert first["points"][-1][2] > 0


def test_layers_and_examples_are_those_of_the_training(watched):
    person, model = watched
    layers = person.heard[0]["layers"]
    assert set(layers["names"]) <= {name for name, _ in model.module.named_modules()}
    assert any(norm and norm > 0 for norm in layers["gradient_norm"])
    truths = [str(row.target) for row in model.dataset().validation]
    assert len(person.examples) == looks.EXAMPLES
    for example in person.examples:
        assert example["truth"] in truths
        assert example["drawing"].startswith("<")
        assert sum(answer["score"] for answer in example["answers"]) == pytest.approx(1, abs=1e-4)


def test_nothing_changes_by_it(watched, tmp_path):
    _, model = watched
    plain = trained(tmp_path)
    for one, two in zip(model.module.parameters(), plain.module.parameters(), strict=True):
        assert torch.equal(one, two)


def test_it_answers_this_machine_alone_and_ends_with_the_training(watched):
    person, _ = watched
    assert person.elsewhere == 403
    with pytest.raises(httpx.ConnectError):
        httpx.get(person.url, trust_env=False)


def test_a_training_that_is_stopped_tells_the_page(tmp_path):
    person = Person(at=5, interrupt=True)
    with pytest.raises(Interrupted):
        trained(tmp_path, person=person)
    person.listening.join(20)
    assert person.heard[-1]["state"] == "stopped"
    assert [thread.name for thread in threading.enumerate() if thread.name == "page"] == []


def test_a_look_that_fails_costs_a_line_and_no_training(tmp_path, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no such layer")

    monkeypatch.setattr(looks, "Allowance", Always)
    monkeypatch.setattr(looks, "inspect", broken)
    person = Person(at=20)
    trained(tmp_path, person=person)
    person.listening.join(20)
    messages = [message for told in person.heard for message in told["messages"]]
    assert any("nothing could be seen (RuntimeError: no such layer)" in message for message in messages)
    assert person.heard[-1]["state"] == "finished"


def test_of_what_plays_the_latest_game_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(looks, "Allowance", Always)
    person = Person(at=20)
    trained(tmp_path, NIM, person)
    assert 1 <= len(person.examples) <= looks.EXAMPLES
    games = np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    places = np.arange(12)
    rows = looks._of_last_game(Experience(places, places, games))
    assert (rows[0].input, rows[-1].input, len(rows)) == (11, 3, looks.EXAMPLES)


# ---- what is refused


def test_a_taken_port_is_said_before_anything_is_read(tmp_path):
    said: list[str] = []
    with watching(0, "another", said.append):
        port = int(said[0].rstrip("/").rsplit(":", 1)[1])
        with pytest.raises(sd.UsageError) as refused:
            sd.train("classify", tmp_path / "nowhere", watch=port, card=None)
    assert f"port {port} is in use" in str(refused.value)
    assert f"--watch {port + 1}" in str(refused.value)


def test_without_the_packages_the_extra_is_named(tmp_path, monkeypatch):
    for name in [
        name for name in sys.modules if name.startswith(("sounding.serve.watching", "sounding.serve.running"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(sd.UsageError, match=r"uvicorn, which is missing. Install it: pip install 'sounding\[serve\]'"):
        trained(tmp_path, person=Person(at=1))
    assert not (tmp_path / "run").exists()


def test_a_word_that_is_no_port(sounding):
    status, _, err = sounding("train", "--watch", "classify", "photos")
    assert status == 2
    assert "'classify' is no port" in err
    assert "Put --watch last" in err


# ---- what is kept


def standing(step: int, loss: float = 1.0) -> Standing:
    return Standing(step / 1e5, step, 100_000, 0.0, loss, 10.0, 5.0)


def test_a_long_training_keeps_a_bounded_number_of_points():
    course, heard, place = Course("long"), [], Place()
    course.begin()
    for step in range(1, 20_001):
        course.note(standing(step, float(step)))
        if step % 500 == 0:
            told, place = course.since(place)
            heard = told["points"] if told["anew"] else heard + told["points"]
    whole, _ = course.since(Place())
    assert heard == whole["points"]
    assert MOST / 2 <= len(heard) <= MOST
    assert all(step == loss for step, loss, _ in heard)
    assert heard[-1][0] > 19_900
    assert course.since(place)[0]["points"] == []


def test_curves_go_back_where_the_training_does():
    course = Course("diverging")
    course.begin()
    for step in [*range(1, 51), *range(31, 41)]:
        course.note(standing(step))
    told, _ = course.since(Place())
    assert [step for step, _, _ in told["points"]] == list(range(1, 41))


def test_looks_take_a_small_share_of_the_time():
    now = [0.0]
    allowance = Allowance(share=0.015, first=2.0, clock=lambda: now[0])
    taken, looked = 0.0, []
    for _ in range(6000):
        now[0] += 0.05
        if allowance.allows(0.03):
            looked.append(now[0])
            now[0] += 0.03
            taken += 0.03
            allowance.took(0.03)
    assert looked[0] == pytest.approx(2.0, abs=0.06)
    assert taken / now[0] <= 0.015
    assert len(looked) > 100
