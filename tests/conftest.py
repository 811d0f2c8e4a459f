"""Shapes that cannot lie: in tests, the annotations of the architectures are checked at every call.

And what tests of the doors share: the command line in an empty folder, pictures, and a run trained on them. Tests that
share what is trained once for a file run in one process (`scheduling.py`).
"""

import sys
from pathlib import Path

import pytest
from jaxtyping import install_import_hook
from photo_folders import pictures

install_import_hook("sounding.architectures", "beartype.beartype")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from scheduling import Grouped

    return Grouped(config, log)


@pytest.fixture
def sounding(monkeypatch, capfd, tmp_path):
    """Calls the command line in an empty folder: gives exit status, output and error output."""
    from sounding import cli  # after the hook above

    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sounding", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        out, err = capfd.readouterr()
        return int(stopped.value.code or 0), out, err

    return call


@pytest.fixture
def brief():
    """Cards are measured in a moment (`brevity.py`)."""
    from brevity import briefly

    with briefly():
        yield


@pytest.fixture
def photos(tmp_path):
    return pictures(tmp_path / "photos")


@pytest.fixture
def run(sounding, photos):
    """A trained run, runs/classify/1, without its card."""
    status, _, err = sounding("train", "classify", photos, "size=tiny", "width=4", "steps=40", "--card", "none")
    assert status == 0, err
    return Path("runs/classify/1")
