"""What a person hears who waits: how often, in which words, and how long it may still take."""

from __future__ import annotations

import math
import re
import sys

import pytest
from contract.dots import Dots, Numbers

from sounding.challenges.labels.retraining import Retrainings
from sounding.errors import UsageError
from sounding.machine.setting import Setting
from sounding.randomness import stream
from sounding.training.event_log import EventLog, check_log
from sounding.training.loop import Budget, fit
from sounding.training.progress import Lines, Pace, Reporter, Standing, Together, counting
from sounding.wording import roughly


def standing(progress: float, **more) -> Standing:
    values = {"step": round(100 * progress), "steps": 100, "epoch": 2.0, "loss": 0.5, "rate": 123.4, "left": 70.0}
    return Standing(progress, **{**values, **more})


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.2, "1 s"), (8.4, "8 s"), (59.7, "1 min"), (203, "3 min 20 s"), (1530, "26 min"), (7800, "2 h 10 min")],
)
def test_a_time_that_is_foretold_is_no_finer_than_it_can_be_known(seconds, expected):
    assert roughly(seconds) == f"about {expected}"


def test_a_line_is_due_at_each_tenth_of_the_way_and_after_thirty_seconds():
    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    assert [part for part in range(101) if pace.due(part / 100)] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    slow = Pace(clock=lambda: now[0])
    due = []
    for second in range(0, 100):
        now[0] = float(second)
        if slow.due(second / 10_000):
            due.append(second)
    assert due == [30, 60, 90]
    assert Pace(at_once=True).due(0.0)


def test_what_went_back_is_not_told_twice():
    pace = Pace(clock=lambda: 0.0)
    assert [pace.due(p) for p in (0.1, 0.3, 0.15, 0.3, 0.4)] == [True, True, False, False, True]


def test_a_line_says_step_epoch_loss_metric_by_its_name_speed_and_time_left(capsys):
    with Lines() as lines:
        lines.stepped(standing(0.3, metric="macro F1", value=0.8714))
    assert capsys.readouterr().err.strip() == (
        "step 30 of 100, epoch 2.0, loss 0.500, validation macro F1 0.871, 123 examples/s, about 1 min 10 s left"
    )
    assert "step 30 (30 %)," in str(standing(0.3, steps=None))
    assert str(standing(0.3, epoch=None)).startswith("step 30 of 100, loss 0.500")  # a task that plays has none
    assert "validation" not in str(standing(0.3))
    assert "left" not in str(standing(1.0))


def test_a_training_without_a_terminal_says_ten_lines_whose_time_left_is_what_is_left(capsys, monkeypatch):
    task, rows = Dots(Numbers()), Dots().demo(stream("rows"), 120)
    task.fit(rows)
    heard: list[Standing] = []

    class Ear(Reporter):
        def stepped(self, standing):
            heard.append(standing)

    fit(task, rows, rows[:40], budget=Budget(steps=40), setting=Setting(threads=1), reporter=Together(Lines(), Ear()))
    lines = capsys.readouterr().err.strip().splitlines()
    assert [re.match(r"\s*step (\d+) of 40, epoch", line)[1] for line in lines] == [str(4 * i) for i in range(1, 11)]
    assert all(f"validation {task.metrics[0].name} " in line for line in lines[2:])
    assert heard[-1].left == 0.0
    half = heard[19]
    assert half.progress == 0.5
    assert half.left == pytest.approx(half.step / half.rate * Numbers().batch, rel=1e-6)  # as long as it took so far


def test_fourteen_trainings_are_told_together_with_the_time_that_is_left_of_all(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("sounding.challenges.labels.retraining.time.perf_counter", lambda: now[0])
    said: list[str] = []
    work = Retrainings(14, said.append)

    def train() -> None:
        for part in (0.25, 0.5, 0.75, 1.0):
            now[0] += 2.5
            work.reporter.stepped(standing(part))

    for _ in range(14):
        work.ran(train)
    assert said[0] == "training 1 of 14"
    left = [re.search(r", about (.*) left$", line)[1] for line in said[1:] if "left" in line]
    # 140 s in all, and a line at each tenth, or at the first step after it
    assert left[0] == "2 min"  # 1.5 of 14 trainings are done, 125 s are left
    assert left[-2:] == ["28 s", "12 s"]
    assert len(said) == 11


def test_a_round_that_goes_on_counts_only_what_it_made_itself(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("sounding.challenges.labels.retraining.time.perf_counter", lambda: now[0])
    said: list[str] = []
    work = Retrainings(4, said.append, {"a": 0.5, "b": 0.6})

    def train() -> float:
        now[0] += 30.0
        return 0.7

    assert [work.score(name, train) for name in "abcd"] == [0.5, 0.6, 0.7, 0.7]
    assert said == ["training 3 of 4", "training 4 of 4, about 30 s left"]


def test_batches_that_are_worked_through_say_how_many_rows_are_done():
    said: list[str] = []
    rows = [list(range(i, min(i + 8, 100))) for i in range(0, 100, 8)]
    assert [row for batch in counting(rows, said.append, "looking") for row in batch] == list(range(100))
    assert len(said) == 10
    assert said[0].startswith("looking: 16 of 100 rows, about ")
    assert said[-1] == "looking: 100 of 100 rows"
    assert [len(batch) for batch in counting(rows, None, "looking")] == [8] * 12 + [4]


# ---- event files


def test_event_files_hold_what_metrics_csv_holds_and_hide_what_was_done_again(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def write(first: int, last: int, loss: float) -> None:
        with EventLog(tmp_path) as log:
            for step in range(first, last + 1):
                log.stepped(standing(step / 100, step=step, loss=loss))
            row = {"step": last, "epoch": 1.5, "seconds": 9.0, "learning_rate": 0.01, "training_loss": loss}
            log.validated({**row, "validation_loss": 0.6, "macro F1": 0.9})

    write(1, 6, loss=2.0)
    write(5, 8, loss=1.0)  # killed, and resumed from a checkpoint at step 4
    events = EventAccumulator(str(tmp_path)).Reload()
    losses = events.Scalars("loss/training")
    assert [(event.step, event.value) for event in losses] == [(s, 2.0 if s < 5 else 1.0) for s in range(1, 9)]
    assert events.Scalars("metric/macro F1")[-1].value == pytest.approx(0.9)
    assert events.Scalars("loss/validation")[-1].step == 8
    assert set(events.Tags()["scalars"]) == {
        "loss/training", "loss/validation", "metric/macro F1", "learning_rate", "epoch", "examples_per_second"
    }  # fmt: skip


def test_a_missing_extra_and_an_unknown_log_are_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError) as caught:
        check_log("tensorboard")
    assert str(caught.value) == (
        "--log tensorboard needs the package tensorboard. Install it: pip install 'sounding[tensorboard]'. "
        "metrics.csv is written without it"
    )
    with pytest.raises(UsageError, match="Did you mean tensorboard"):
        check_log("tensorbord")
    check_log("csv")


def test_a_value_that_is_not_there_is_not_told():
    assert "nan" not in str(standing(0.5, metric="accuracy", value=math.nan))
