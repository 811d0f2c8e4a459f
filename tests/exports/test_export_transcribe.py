"""Exports of what hears: the transcripts of their runs, without torch."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import wave

import numpy as np
import pytest

import sounding as sd
from sounding.errors import UsageError

pytest.importorskip("onnxscript", reason="what writes ONNX is an extra: pip install 'sounding[export]'")
pytest.importorskip("onnxruntime")

PROGRAM = """
import asyncio, json, sys
from pathlib import Path
import httpx
import sounding.serve.running  # all that a service brings
from sounding.serve.app import app
from sounding.serve.models import Shelf

async def answers(folder, path):
    transport = httpx.ASGITransport(app(Shelf([Path(folder)], 2**30)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=300) as client:
        sent = {"file": ("heard.wav", Path(path).read_bytes(), "audio/wav")}
        asked = {"response_format": "verbose_json"}
        return (await client.post("/v1/audio/transcriptions", files=sent, data=asked)).text

found = asyncio.run(answers(*sys.argv[1:]))
heavy = [name for name in ("torch", "jaxtyping", "pyarrow", "matplotlib", "numba", "scipy") if name in sys.modules]
print(json.dumps([found, heavy]))
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory, untyped):
    words = {"steps": 30, "size": "tiny", "card": None}
    run = sd.train("transcribe", "demo", out=tmp_path_factory.mktemp("spoken"), **words)
    with untyped():
        return run, sd.export(run, "onnx", card=None)


def rows(run, most: int) -> list[np.ndarray]:
    return [example.input for example in run.dataset().test][:most]


def test_every_recording_is_answered_as_the_run_answers_it(exported):
    run, made = exported
    assert made.parity.kept
    assert made.parity.rows > 20
    assert made.parity.different == 0
    for own, theirs in zip(run(rows(run, 4)), made.model(rows(run, 4)), strict=True):
        assert [word[:3] for word in theirs.words] == [word[:3] for word in own.words]
        assert theirs.score == pytest.approx(own.score, abs=1e-4)


def test_a_recording_is_transcribed_by_a_service_without_torch(exported, tmp_path):
    run, made = exported
    path, file = tmp_path / "heard.wav", io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 22_050, 0, "NONE", ""))  # a rate of its own
        sound.writeframes((32_000 * rows(run, 1)[0]).astype("<i2").tobytes())
    path.write_bytes(file.getvalue())
    command = [sys.executable, "-c", PROGRAM, made.model.dir, path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found, heavy = json.loads(done.stdout)
    assert heavy == []
    own, said = run(path)[0], json.loads(found)
    assert said["text"] == own.label
    assert [each["start"] for each in said["words"]] == [word.start for word in own.words]


def test_long_recordings_are_cut_as_the_run_cuts_them(exported, tmp_path, untyped):
    run, _ = exported
    asked = sd.load(run.dir, options={"window": 2, "beams": 1})
    with untyped():
        made = sd.export(asked, "onnx", tmp_path, card=None)
    long = np.concatenate([np.concatenate([each, np.zeros(3000, np.float32)]) for each in rows(run, 4)])
    assert asked([long])[0].note
    assert made.model([long])[0].label == asked([long])[0].label
    assert "likeliest unit" in (tmp_path / "model.json").read_text()
    with pytest.raises(UsageError, match="hears 30 s in a pass"):
        sd.export(sd.load(run.dir, options={"window": 60}), "onnx", card=None)


def test_what_the_transcripts_were_is_kept_in_one_place(exported):
    """Counting them again takes the texts, which are no part of what people and programs read."""
    run, made = exported
    texts = list(run.task.state()["texts"])
    said, state = ((made.model.dir / name).read_text() for name in ("model.json", "state.json"))
    kept = json.loads(state)["postprocessing"]["values"]["language"]["values"]["texts"]
    assert kept in ([], texts)  # none, where validation rows gave the language model no weight
    assert not any(json.dumps(text) in said for text in texts)
