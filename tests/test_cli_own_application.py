"""An application of one's own that is not finished: what is wrong is said in one message that names the place."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_cli import APPLICATION

import sounding as sd
from sounding import api, catalog

WRONG = {
    "no predict": (
        ("    def predict(self", "    def answer(self"),
        "mine.py: the application Brightness does not define predict. Write it",
        2,
    ),
    "a mean for a loss": (
        (', reduction="none")', ")"),
        "loss gave [], and one number per example is wanted: [B] = [63]",
        1,
    ),
    "a loss of two axes": (
        ('return nn.functional.cross_entropy(model(x), y, reduction="none")', "return model(x)"),
        "loss gave [63, 2], and one number per example is wanted: [B] = [63]",
        1,
    ),
    "a loss that is a number": (
        ('return nn.functional.cross_entropy(model(x), y, reduction="none")', "return 0.5"),
        "loss gave a float, and one number per example is wanted: [B] = [63]",
        1,
    ),
    "two applications": (
        ("class Brightness(sd.Task):", "class Darkness(sd.Task):\n    pass\n\n\nclass Brightness(sd.Task):"),
        "mine.py: a file holds one subclass of Task, this one Brightness, Darkness",
        2,
    ),
    "none": (("(sd.Task):", ":"), "mine.py: a file holds one subclass of Task, this one none", 2),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_unfinished_application_gets_one_message(sounding, photos, wrong):
    (old, new), message, expected = WRONG[wrong]
    assert old in APPLICATION
    Path("mine.py").write_text(APPLICATION.replace(old, new))
    status, _, err = sounding("train", "./mine.py", photos, "--steps", 3, "--card", "none")
    assert (status, message in err) == (expected, True), err
    assert "Traceback" not in err


def test_without_data_one_message_names_what_to_give(sounding):
    Path("mine.py").write_text(APPLICATION)
    status, _, err = sounding("train", "./mine.py")
    assert status == 2
    assert "mine learns from rows with an answer each, and no data are named" in err
    assert "sounding train TASK DATA" in err
    assert not Path("runs").exists()


def test_a_class_that_lacks_a_part_or_lies_in_no_file_is_refused_in_python(tmp_path):
    class Partial(catalog.find("classify")):
        pass

    Partial.__abstractmethods__ = frozenset({"predict"})
    with pytest.raises(sd.UsageError, match="Partial does not define predict"):
        api.train(Partial, "demo", out=tmp_path / "run")
    Partial.__abstractmethods__ = frozenset()
    Partial.__module__ = "builtins"
    with pytest.raises(sd.UsageError, match="Partial lies in no file"):
        api.train(Partial, "demo", steps=1, out=tmp_path / "run", card=None)
    assert not (tmp_path / "run").exists()
