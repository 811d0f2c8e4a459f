"""Exports of the applications that are one forward pass: the answers of their runs, without torch."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

import sounding as sd
from sounding.applications.vision.faces.modality import Pair
from sounding.modalities.series.values import Stretch

pytest.importorskip("onnxscript", reason="what writes ONNX is an extra: pip install 'sounding[export]'")
pytest.importorskip("onnxruntime")

TASKS = ("detect", "segment", "faces", "forecast", "fill")
PROGRAM = """
import json, sys
from pathlib import Path
from sounding.exports.runtime import load
from sounding.serve.inputs import cells
from sounding.serve.settings import Limits

found = []
for folder, sent in json.load(sys.stdin):
    model = load(folder)
    questions = [model.read(cell) for cell in cells(model.task.input, [sent], Limits())]
    found.append(model.answer(questions).to_dicts()[0])
heavy = [name for name in ("torch", "pyarrow", "matplotlib", "numba") if name in sys.modules]
print(json.dumps([found, heavy]))
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory, untyped):
    found = {}
    for name in TASKS:
        run = sd.train(name, "demo", out=tmp_path_factory.mktemp(name), steps=4, size="tiny", card=None)
        with untyped():
            found[name] = run, sd.export(run, "onnx", card=None)
    return found


def sent(value):
    """A value as JSON can hold it."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Stretch):
        times = [value.time(step) for step in range(len(value))]
        return {"time": times, **dict(zip(value.columns, value.values.T.tolist(), strict=True))}
    if isinstance(value, Pair):
        return {"first": sent(value.first), "second": sent(value.second)}
    file = io.BytesIO()
    PIL.Image.fromarray(value.squeeze()).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize("name", TASKS)
def test_every_row_is_answered_as_the_run_answers_it(exported, name):
    _, made = exported[name]
    assert made.parity.kept
    assert made.parity.rows > 20
    assert made.parity.different == 0
    said = json.loads((made.model.dir / "model.json").read_text())
    assert all(axes[0] == "batch" for axes in said["outputs"].values())
    assert said["postprocessing"]["steps"]


def test_they_need_no_torch(exported):
    asked, expected = [], []
    for name in TASKS:
        run, made = exported[name]
        value = run.dataset().test[0].input
        asked.append((str(made.model.dir), sent(value)))
        expected.append(run(str(value) if isinstance(value, str) else [value]).to_dicts()[0])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    found, heavy = json.loads(done.stdout)
    assert heavy == []
    for one, other in zip(found, expected, strict=True):
        assert [_plain(each) for each in one] == [pytest.approx(_plain(each), abs=1e-4) for each in other]
        assert [_words(each) for each in one] == [_words(each) for each in other]


def test_pictures_of_any_size_are_looked_at_in_windows_and_mirrored_as_by_the_run(exported, tmp_path):
    run, _ = exported["segment"]
    asked = sd.load(run.dir, options={"tile": 20, "overlap": 0.3, "flip_average": "yes"})
    made = sd.export(asked, "onnx", tmp_path / "windows", card=None)
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for size in ((24, 24), (30, 47), (19, 20), (30, 47))]
    for own, theirs in zip(asked(pictures), made.model(pictures), strict=True):
        np.testing.assert_allclose(theirs.sure, own.sure, atol=1e-3)
        assert (theirs.mask == own.mask).mean() > 0.99
    assert not np.allclose(run(pictures[1])[0].sure, asked(pictures[1])[0].sure, atol=1e-2)


def test_many_faces_are_embedded_together(exported):
    """One question of three pictures, asked of ONNX Runtime alone: the cosines are those of the pairs."""
    import onnxruntime

    run, made = exported["faces"]
    pairs = [example.input for example in run.dataset().test][:2]
    x = np.concatenate([run.task.encode_inputs([pair]).numpy() for pair in pairs], axis=1)
    session = onnxruntime.InferenceSession(made.model.dir / "model.onnx")
    (embeddings,) = session.run(None, {"pixels": x})
    first, second, third, fourth = embeddings[0]
    slope, offset = (made.model.description.postprocessing[name] for name in ("slope", "offset"))
    for pair, cosine in zip(pairs, (first @ second, third @ fourth), strict=True):
        same = 1 / (1 + np.exp(-(slope * cosine + offset)))
        assert run([pair])[0].prediction.scores[1] == pytest.approx(same, abs=1e-5)


def _plain(answer):
    return {name: value for name, value in answer.items() if isinstance(value, float)}


def _words(answer):
    return {name: value for name, value in answer.items() if not isinstance(value, float)}
