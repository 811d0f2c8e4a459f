"""Exported models answer as their runs do, say how, and need no torch."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

import sounding as sd
from sounding.errors import RunError, UsageError
from sounding.exports import runtime
from sounding.exports.parity import parity

pytest.importorskip("onnxscript", reason="what writes ONNX is an extra: pip install 'sounding[export]'")
onnxruntime = pytest.importorskip("onnxruntime")

PROGRAM = """
import sys
from sounding.exports.runtime import load
answers = load(sys.argv[1])(sys.argv[2:])
found = [(answer.label, answer.score) for answer in answers]
heavy = [name for name in ("torch", "pyarrow", "matplotlib", "safetensors", "rich", "scipy") if name in sys.modules]
print(repr((found, heavy)))
"""


def answered_elsewhere(folder, *inputs: str):
    """What a process without torch answers, and which large packages it imported all the same."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, folder, *inputs], capture_output=True, text=True, check=True)
    return eval(done.stdout)


def test_a_picture_is_answered_without_torch_as_the_run_answers(pictures, exported_pictures, tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "wide.png"
    PIL.Image.fromarray(rng.integers(0, 255, (40, 61, 3)).astype(np.uint8)).save(path)  # scaled, cropped, made grey
    [(label, score)], heavy = answered_elsewhere(exported_pictures.model.dir, str(path))
    assert heavy == []
    own = pictures(path)[0]
    assert label == own.label
    assert score == pytest.approx(own.score, abs=1e-5)


def test_texts_of_any_length_are_answered_without_torch_as_the_run_answers(texts, exported_texts):
    inputs = ["good", "a film that nobody has to see twice, dull and much too long for what it says", "?!", "ŵörds ñew"]
    found, heavy = answered_elsewhere(exported_texts.model.dir, *inputs)
    assert heavy == []
    for text, (label, score) in zip(inputs, found, strict=True):
        own = texts(text)[0]
        assert label == own.label
        assert score == pytest.approx(own.score, abs=1e-5)


def test_the_description_is_enough_for_a_program_of_ones_own(pictures, exported_pictures):
    """By model.json and ONNX Runtime alone: bytes divided by 255, channels first, softmax, the largest."""
    folder = exported_pictures.model.dir
    said = json.loads((folder / "model.json").read_text())
    session = onnxruntime.InferenceSession(folder / said["network"])
    assert [given.name for given in session.get_inputs()] == list(said["inputs"])
    assert session.get_inputs()[0].shape == said["inputs"]["pixels"]
    rows = [example.input for example in pictures.dataset().test][:5]
    x = np.stack(rows).transpose(0, 3, 1, 2).astype(np.float32) / 255
    logits = session.run(None, {"pixels": x})[0]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    own = pictures(rows)
    assert [said["postprocessing"]["classes"][k] for k in shares.argmax(axis=1)] == [answer.label for answer in own]
    np.testing.assert_allclose(shares.max(axis=1), [answer.score for answer in own], atol=1e-5)


def test_parity_sees_a_network_that_is_another_one(pictures, exported_pictures):
    with_other_weights = sd.load(pictures.dir)
    next(with_other_weights.module.parameters()).data.mul_(1.5)
    rows = [example.input for example in pictures.dataset().test]
    found = parity(with_other_weights.task, with_other_weights.module, exported_pictures.model, rows)
    assert not found.kept
    assert exported_pictures.parity.kept
    assert exported_pictures.parity.rows > len(rows)  # validation rows are compared as well


def test_eight_bits_are_smaller_and_nearly_right(pictures, exported_pictures):
    made = sd.export(pictures, "int8", card=None)
    sizes = [(each.model.dir / "model.onnx").stat().st_size for each in (made, exported_pictures)]
    assert sizes[0] < 0.5 * sizes[1]
    assert 1e-6 < made.parity.largest < 0.2
    assert made.how.startswith("static")


def test_the_table_has_what_a_card_measures_and_the_time_of_one_prediction(pictures, monkeypatch):
    from sounding.card import trade_offs
    from sounding.challenges.costs.comparison import Plan

    monkeypatch.setitem(trade_offs.PLANS, "quick", Plan(20, (3,), 0.002, 100))
    table = sd.export(pictures, "onnx").table
    assert {"headline", "loss", "ece", "corrupted", "energy", "latency", "bytes"} <= {row.id for row in table.table}
    assert table["headline"].changes[1].value == 0
    assert table["loss"].changes[1].value == pytest.approx(0, abs=1e-5)
    assert table["corrupted"].changes[1].value == 0
    assert table["latency"].values[0].value > 0


def test_options_become_a_part_of_the_model(exported_texts):
    with pytest.raises(UsageError, match="cannot be changed"):
        exported_texts.model("good", threshold=0.2)


def test_an_exported_model_is_loaded_where_runs_are(exported_texts, sounding):
    folder = exported_texts.model.dir
    assert sd.load(folder)("good")[0].label == exported_texts.model("good")[0].label
    status, out, _ = sounding("predict", folder, "a good film", "--json")
    assert status == 0
    assert json.loads(out)["answer"] == exported_texts.model("a good film")[0].label
    status, _, err = sounding("predict", folder, "a good film", "--explain")
    assert status == 2
    assert "explains nothing" in err


@pytest.mark.parametrize("damage", ["newer", "state", "network", "foreign class"])
def test_a_damaged_folder_is_said_to_be(exported_texts, tmp_path, damage):
    import shutil

    folder = shutil.copytree(exported_texts.model.dir, tmp_path / "copy")
    said, state = (json.loads((folder / name).read_text()) for name in ("model.json", "state.json"))
    if damage == "newer":
        (folder / "model.json").write_text(json.dumps({**said, "schema": 99}))
    elif damage == "state":
        (folder / "state.json").write_text(json.dumps({"input": state["input"]}))
    elif damage == "network":
        (folder / "model.onnx").write_bytes(b"\0" * 100)
    else:
        state["input"]["class"] = "os:system"
        (folder / "state.json").write_text(json.dumps(state))
    with pytest.raises(RunError, match=r"newer version|damaged|cannot be used"):
        runtime.load(folder)("good")


def test_what_is_not_exported_is_refused_in_one_line(tmp_path, pictures):
    run = sd.train("translate", "demo", out=tmp_path / "run", steps=2, size="tiny", model="rnn", card=None)
    with pytest.raises(UsageError, match=r"translate is not exported: the states of a recurrent net \(model=rnn\)"):
        sd.export(run, "onnx")
    with pytest.raises(UsageError, match=r"no format 'onxx'. Did you mean onnx"):
        sd.export(pictures, "onxx")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        sd.export(pictures, "onnx", tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_pipeline_takes_an_exported_model(texts, exported_texts):
    asked = ["a good film", "dull, and much too long"]
    own, theirs = (sd.pipeline("text-classification", model=place) for place in (texts.dir, exported_texts.model.dir))
    for one, other in zip(theirs(asked), own(asked), strict=True):
        assert [each["label"] for each in one] == [each["label"] for each in other]
        assert [each["score"] for each in one] == pytest.approx([each["score"] for each in other], abs=1e-5)
    assert theirs(asked[0], top_k=1) == theirs(asked)[0][:1]
    assert sd.pipeline(exported_texts.model.dir)(asked) == theirs(asked)
    with pytest.raises(sd.UsageError, match="not translation"):
        sd.pipeline("translation", model=exported_texts.model.dir)
    with pytest.raises(sd.UsageError, match="threshold cannot be changed"):
        theirs(asked, threshold=0.2)
