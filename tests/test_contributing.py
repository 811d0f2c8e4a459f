"""The example in CONTRIBUTING.md is an application: it trains, learns its demo, and comes back from its folder."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import sounding as sd
from sounding import catalog

GUIDE = Path(__file__).parents[1] / "CONTRIBUTING.md"


def test_the_example_in_the_guide_trains_and_loads(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.S)
    file = tmp_path / "stripes.py"
    file.write_text(code)
    task = catalog.find(str(file))
    assert catalog.summary(task) == "Stripes: whether the stripes of a picture lie or stand."
    rows = task().demo(np.random.default_rng(0), 400)
    model = sd.train(str(file), rows, epochs=15, batch=16, out=tmp_path / "run", card=None)
    unseen = task().demo(np.random.default_rng(1), 40)
    answers = [result.label for result in sd.load(model.dir)([row.input for row in unseen])]
    assert np.mean([answer == row.target for answer, row in zip(answers, unseen)]) > 0.9
