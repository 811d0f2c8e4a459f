"""A journal of inspections changes nothing about a training, and no step stands in it twice."""

from __future__ import annotations

import json

import pytest
import torch
from contract.dots import Dots, Numbers
from sick import net, train

from sounding.architectures.mlp import MLP
from sounding.errors import RunError
from sounding.inspection import Journal, history, history_line, inspect, read_journal, save
from sounding.inspection.update_ratios import kept, ratios
from sounding.machine.setting import Setting
from sounding.randomness import stream
from sounding.training.checkpointer import FolderCheckpointer
from sounding.training.loop import Budget, fit
from sounding.training.train_state import TrainState

SETTING = Setting()


def dots(**settings):
    task = Dots(Numbers(**settings))
    rows = task.demo(stream("dots"), 160)
    task.fit(rows)
    return task, rows[:128], rows[128:]


def mlp_trainee(**recipe):
    task, _, rows = net(lambda: MLP(4, 2, [16, 16]), **recipe)
    return TrainState(task, 0, SETTING), rows


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_training_comes_out_bit_for_bit_as_without_it(tmp_path):
    task, rows, validation = dots()
    plain = fit(task, rows, validation, budget=Budget(steps=60), seed=1, setting=SETTING)
    journal = Journal(tmp_path / "inspection.jsonl", 7)
    seen = fit(task, rows, validation, budget=Budget(steps=60), seed=1, setting=SETTING, journal=journal)
    assert same(plain.model.state_dict(), seen.model.state_dict())
    assert [line["step"] for line in read_journal(journal.path)] == [1, *range(7, 61, 7)]


def test_every_tensor_of_the_trainee_is_the_same_with_a_journal_and_without(tmp_path):
    one, rows = mlp_trainee()
    two, _ = mlp_trainee()
    train(one, rows, 30)
    train(two, rows, 30, Journal(tmp_path / "j.jsonl", 4))
    assert same(one.tensors(), two.tensors())
    assert one.note() == two.note()


def test_the_step_in_the_journal_is_the_one_that_was_taken(tmp_path):
    state, rows = mlp_trainee(optimizer="adamw")
    journal = Journal(tmp_path / "j.jsonl", 5)
    train(state, rows, 9, journal)
    before = kept(state.model)
    train(state, rows, 1, journal)
    line = read_journal(journal.path)[-1]
    taken = ratios(before, kept(state.model))
    assert line["step"] == 10
    assert line["real_step"]
    noted = dict(zip(line["names"], line["update"], strict=True))
    assert {name: value for name, value in noted.items() if value is not None} == pytest.approx(taken, rel=1e-3)
    tried = {each.name: each.update for each in inspect(state.task, state.model, rows, rate=line["rate"]).layers}
    assert noted["body.0"] < tried["body.0"]  # AdamW's first step is its longest


def test_a_killed_training_writes_no_step_twice(tmp_path):
    """The journal is at step 20 when the checkpoint is of step 11: the steps between are taken again."""
    task, rows, validation = dots()

    def resumed(checkpointer):
        journal = Journal(tmp_path / "inspection.jsonl", 4)
        return fit(
            task,
            rows,
            validation,
            budget=Budget(steps=40),
            seed=1,
            setting=SETTING,
            checkpointer=checkpointer,
            journal=journal,
        )

    class Killed(BaseException):
        pass

    class Dying(FolderCheckpointer):
        def checkpoint(self, state, *, now=False):
            super().checkpoint(state, now=state.counters.step in (0, 11))
            if state.counters.step == 21:
                raise Killed

    with pytest.raises(Killed):
        resumed(Dying(tmp_path / "run"))
    written = (tmp_path / "inspection.jsonl").read_text()
    with open(tmp_path / "inspection.jsonl", "a") as file:
        file.write('{"step": 24, "rollb')  # cut off in the middle of a line
    resumed(FolderCheckpointer(tmp_path / "run"))
    whole = (tmp_path / "inspection.jsonl").read_text()
    assert whole.startswith(written)
    assert [json.loads(line)["step"] for line in whole.splitlines()] == [1, *range(4, 41, 4)]


def test_the_lines_after_a_resume_are_those_of_an_uninterrupted_training(tmp_path):
    one, rows = mlp_trainee()
    train(one, rows, 20, Journal(tmp_path / "whole.jsonl", 5))
    two, _ = mlp_trainee()
    train(two, rows, 12, Journal(tmp_path / "parts.jsonl", 5))
    three, _ = mlp_trainee()
    three.restore(two.tensors(), two.note())
    train(three, rows, 8, Journal(tmp_path / "parts.jsonl", 5))
    assert (tmp_path / "whole.jsonl").read_text() == (tmp_path / "parts.jsonl").read_text()


def test_resumed_right_before_an_inspection_the_step_is_tried_and_said_to_be(tmp_path):
    one, rows = mlp_trainee()
    train(one, rows, 9)
    train(one, rows, 1, Journal(tmp_path / "j.jsonl", 5))
    (line,) = read_journal(tmp_path / "j.jsonl")
    assert not line["real_step"]
    assert all(value > 0 for value in line["update"] if value is not None)


def test_steps_that_are_taken_again_after_a_rollback_are_written_with_its_number(tmp_path):
    state, rows = mlp_trainee()
    journal = Journal(tmp_path / "j.jsonl", 2)
    start = (state.tensors(), state.note())
    start = ({name: tensor.clone() for name, tensor in start[0].items()}, start[1])
    train(state, rows, 4, journal)
    state.restore(*start)
    state.counters.rollbacks = 1
    train(state, rows, 4, journal)
    lines = read_journal(journal.path)
    assert [(line["rollbacks"], line["step"]) for line in lines] == [(r, s) for r in (0, 1) for s in (1, 2, 4)]
    assert history(lines).startswith("<svg")
    told = [history_line(line) for line in lines]
    assert told[1].startswith("step 2 ")
    assert told[1].endswith("healthy")
    assert told[4].endswith("(after going back 1×)")
    assert max(map(len, told)) <= 110


def test_an_explosion_shows_in_the_journal(tmp_path):
    state, rows = mlp_trainee(lr=20.0)
    train(state, rows, 20, Journal(tmp_path / "j.jsonl", 5))
    lines = read_journal(tmp_path / "j.jsonl")
    assert lines[1]["verdict"] == "exploding"
    assert "one step is" in lines[1]["sentence"]
    assert lines[1]["real_step"]
    assert "exploding" in history(lines)


def test_a_loss_that_is_not_finite_is_written_as_json_can_hold_it(tmp_path):
    state, rows = mlp_trainee()
    journal = Journal(tmp_path / "j.jsonl", 1)
    train(state, rows, 1, journal)
    next(iter(state.model.parameters())).data[0, 0] = float("nan")
    train(state, rows, 1, journal)
    text = journal.path.read_text()
    assert "NaN" not in text
    assert read_journal(journal.path)[-1]["verdict"] == "not finite"


def test_a_journal_that_is_missing_or_damaged_says_where(tmp_path):
    with pytest.raises(RunError, match="no journal"):
        read_journal(tmp_path / "none.jsonl")
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"step": 1, "rollbacks": 0}\nnonsense\n{"step": 2, "rollbacks": 0}\n')
    with pytest.raises(RunError, match=r"bad\.jsonl:2"):
        Journal(bad, 5)
    with pytest.raises(RunError, match="no inspection"):
        history([])


def test_the_picture_over_time_is_small_and_names_the_ends(tmp_path):
    state, rows = mlp_trainee()
    train(state, rows, 40, Journal(tmp_path / "j.jsonl", 2))
    lines = read_journal(tmp_path / "j.jsonl")
    save(lines, tmp_path / "time.svg")
    save(lines, tmp_path / "time.png")
    text = (tmp_path / "time.svg").read_text()
    assert "head" in text
    assert "healthy (21)" in text
    assert len(text) < 150_000
    assert (tmp_path / "time.png").stat().st_size > 1000
