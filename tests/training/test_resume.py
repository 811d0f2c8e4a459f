"""A training that is killed at any moment and resumed ends with the very weights of an uninterrupted one."""

from __future__ import annotations

import multiprocessing
import random
import time
from pathlib import Path

import pytest
import torch
from contract.dots import Dots

from sounding.errors import RunError
from sounding.files import read_tensors
from sounding.machine.setting import Setting, inference
from sounding.randomness import stream
from sounding.runs.folder import Run
from sounding.training.checkpointer import Checkpointer, FolderCheckpointer
from sounding.training.loop import Budget, fit

TOYS = Path(__file__).parents[1] / "applications" / "toys"
SELF_PLAY = {"size": "tiny", "round_steps": 4, "plain": 2, "validations": 1}
KINDS = {
    "rows": (),
    "documents": (str(TOYS / "babble.py"), 60, {}),
    "play": (str(TOYS / "nim.py"), 150, {}),
    "self-play": ("connect4", 60, SELF_PLAY),
}
"""What is learnt from → an application, steps that take about as long, and settings; of rows, the dots."""
SLOW = {"self-play": pytest.mark.slow}
DOTS = str(Path(__file__).parents[1] / "contract" / "dots.py")


def train(folder: str, resume: bool, steps: int = 800, settings: dict | None = None, kind: str = "rows") -> None:
    """What the child processes run: a training that writes a checkpoint at every step."""
    torch.set_num_threads(1)
    from sounding import api
    from sounding.training import checkpointer as checkpointer

    checkpointer.EVERY = 0.0
    if resume and (Path(folder) / "config.json").exists():
        api.train(resume=folder, card=None)
    else:
        application, steps, more = KINDS[kind] or (DOTS, steps, settings or {})
        source = None if "play" in kind else "demo"
        api.train(application, source, steps=steps, seed=3, out=folder, card=None, **more)


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sounding.api", "sounding.runs.training", "sounding.modalities.category"])
    return context


def run_until_killed(processes, folder: Path, seconds: float | None, resume: bool, **options) -> int | None:
    process = processes.Process(target=train, args=(str(folder), resume), kwargs=options)
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=SLOW.get(kind, ())) for kind in KINDS])
def test_killed_twenty_times_ends_with_the_same_weights(processes, tmp_path, kind):
    assert run_until_killed(processes, tmp_path / "whole", None, resume=False, kind=kind) == 0
    rng, kills, folder = random.Random(5), 0, tmp_path / "killed"
    while kills < 20:
        code = run_until_killed(processes, folder, rng.uniform(0.15, 0.45), resume=True, kind=kind)
        if code == 0:  # it came to its end: start over, so that twenty kills are twenty kills
            assert_same(tmp_path / "whole", folder)
            folder = tmp_path / f"killed{kills}"
            continue
        kills += 1
        if (folder / "config.json").exists():
            assert Run.open(folder).config["seed"] == 3
        elif folder.exists():  # killed before there was anything to resume
            folder = tmp_path / f"killed{kills}"
        if (folder / "last" / "checkpoint.safetensors").exists():
            read_tensors(folder / "last" / "checkpoint.safetensors")
    assert run_until_killed(processes, folder, None, resume=True, kind=kind) == 0
    assert_same(tmp_path / "whole", folder)
    for shard in (tmp_path / "whole").glob("experience/*.npz"):  # no game twice, and none lost
        assert shard.read_bytes() == (folder / "experience" / shard.name).read_bytes()
    assert len(list(folder.glob("experience/*"))) == len(list((tmp_path / "whole").glob("experience/*")))


def test_a_training_that_rolled_back_resumes_to_the_same_weights(processes, tmp_path):
    wild = {"settings": {"optimizer": "sgd", "lr": 1e3, "clip": 0.0}, "steps": 300}
    assert run_until_killed(processes, tmp_path / "whole", None, resume=False, **wild) == 0
    state = Run.open(tmp_path / "whole").dir / "trainer_state.json"
    assert '"rollbacks": 0' not in state.read_text()
    for seconds in (0.5, 0.6, 0.7, None):
        run_until_killed(processes, tmp_path / "killed", seconds, resume=True, **wild)
    assert_same(tmp_path / "whole", tmp_path / "killed")


def assert_same(a: Path, b: Path) -> None:
    for file in ("best/model.safetensors", "last/model.safetensors", "last/checkpoint.safetensors"):
        one, _ = read_tensors(a / file)
        two, _ = read_tensors(b / file)
        assert one.keys() == two.keys()
        for name in one:
            assert torch.equal(one[name], two[name]), f"{file}: {name} differs"


def test_an_unfinished_run_is_not_a_finished_one(processes, tmp_path):
    process = processes.Process(target=train, args=(str(tmp_path / "run"),), kwargs={"resume": False, "steps": 100_000})
    process.start()
    started = time.monotonic()
    while not (tmp_path / "run" / "last" / "checkpoint.safetensors").exists() and time.monotonic() - started < 60:
        time.sleep(0.05)
    process.kill()
    process.join()
    assert not Run.open(tmp_path / "run").finished
    with pytest.raises(RunError, match="not empty"):
        Run.create("dots", tmp_path / "run")


# ---- a task that collects its own rows


class Stopped(Exception):
    pass


class StoppingKeeper(FolderCheckpointer):
    """Writes every checkpoint, and stops as a power cut would after step `last`."""

    def __init__(self, folder: Path, last: int) -> None:
        super().__init__(folder)
        self.last = last

    def checkpoint(self, state, *, now=False):
        super().checkpoint(state, now=True)
        if state.counters.step == self.last:
            raise Stopped


class Gathering(Dots):
    """Trains on the rows that the averaged weights get wrong, and a few others: it hangs on the weights."""

    def collect(self, model, examples, rng):
        with inference():
            answers = self.predict(model, [e.input for e in examples])
        wrong = [e for e, a in zip(examples, answers, strict=True) if a.value != e.target]
        return wrong + [examples[int(i)] for i in rng.permutation(len(examples))[:100]]


def collected(checkpointer: Checkpointer) -> torch.Tensor:
    task = Gathering()
    rows = task.demo(stream("gathering"), 200)
    task.fit(rows)
    fitted = fit(
        task, rows, rows[:50], budget=Budget(steps=60), seed=1, setting=Setting(threads=1), checkpointer=checkpointer
    )
    return torch.cat([p.flatten() for p in fitted.model.parameters()])


@pytest.mark.parametrize("last", [1, 9, 26, 41])
def test_a_task_that_gathers_resumes_in_the_middle_of_an_epoch_to_the_same_weights(tmp_path, last):
    whole = collected(Checkpointer())
    with pytest.raises(Stopped):
        collected(StoppingKeeper(tmp_path, last))
    assert torch.equal(collected(FolderCheckpointer(tmp_path)), whole)
