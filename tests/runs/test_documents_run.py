"""A task that learns from texts without answers, from a folder or one file to a trained run and its evaluation."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import sounding as sd

TOYS = Path(__file__).parents[1] / "applications" / "toys"
sys.path.insert(0, str(TOYS))

from babble import Babble, babble  # noqa: E402


def corpus(folder):
    rng = np.random.default_rng(0)
    folder.mkdir()
    for i in range(40):
        (folder / f"{i}.txt").write_text(babble(rng))
    return folder


@pytest.mark.parametrize("single", [False, True])
def test_texts_train_and_are_measured_again_on_the_same_windows(tmp_path, monkeypatch, single):
    monkeypatch.chdir(tmp_path)
    source = corpus(tmp_path / "corpus")
    if single:
        texts = [file.read_text() for file in sorted(source.iterdir())]
        source = tmp_path / "one.txt"
        source.write_text("\n".join(texts))
    model = sd.train(Babble, source, size="tiny", steps=5, card="none")
    report = json.loads((model.dir / "data.json").read_text())
    assert report["documents"]["train"] == (1 if single else report["rows"] - sum(held_out(report)))
    again = sd.load(model.dir, application=str(TOYS / "babble.py"))
    assert again.dataset().report.digest == report["digest"]
    assert again.evaluate() == model.evaluate()
    assert len(again.dataset(source).unseen) >= report["splits"]["test"]


def held_out(report):
    return report["documents"]["validation"], report["documents"]["test"]
