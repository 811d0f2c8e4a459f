"""A service of exported models: it answers as they do, says what it cannot, and needs no torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import httpx
import pytest

from sounding.serve.app import app
from sounding.serve.models import Shelf

pytest.importorskip("onnxscript", reason="what writes ONNX is an extra: pip install 'sounding[export]'")
pytest.importorskip("onnxruntime")

ASKED = ["a good film", "dull, and much too long"]
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
import httpx
import sounding.serve.running  # all that a service brings
from sounding.serve.app import app
from sounding.serve.models import Shelf

async def answers():
    transport = httpx.ASGITransport(app(Shelf([Path(sys.argv[1])], 2**30)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        found = await client.post("/v1/predict", json={"inputs": sys.argv[2:]})
        listed = await client.get("/v1/models")
        return found.json(), listed.json()["data"]

found, listed = asyncio.run(answers())
heavy = [name for name in ("torch", "pyarrow", "matplotlib", "numba", "scipy") if name in sys.modules]
print(json.dumps([found, listed, heavy]))
"""


async def asked(folder, *requests):
    """The responses of a service of the folders to (method, address, body)."""
    folders = folder if isinstance(folder, list) else [folder]
    transport = httpx.ASGITransport(app(Shelf(folders, 2**30)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return [await client.request(method, address, json=body) for method, address, body in requests]


def error(response) -> str:
    return response.json()["error"]["message"]


def test_a_service_of_exported_models_answers_without_torch(exported_texts):
    command = [sys.executable, "-c", PROGRAM, exported_texts.model.dir, *ASKED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found, (listed,), heavy = json.loads(done.stdout)
    assert heavy == []
    expected = exported_texts.model(ASKED).to_dicts()
    assert [[each["label"] for each in one] for one in found] == [[each["label"] for each in one] for one in expected]
    assert found[1][0]["score"] == pytest.approx(expected[1][0]["score"], abs=1e-5)
    assert (listed["task"], listed["pipeline"]) == ("sentiment", "text-classification")
    assert listed["id"].endswith("/onnx")
    assert not listed["input"]["explained"]  # so that no page offers it


def test_what_an_exported_model_cannot_do_is_refused(exported_texts):
    import asyncio

    said = {"inputs": ASKED[0]}
    explained, option, card, played, disturbed = asyncio.run(
        asked(
            exported_texts.model.dir,
            ("POST", "/v1/explain", said),
            ("POST", "/v1/predict", {**said, "parameters": {"threshold": 0.2}}),
            ("GET", "/v1/card", None),
            ("POST", "/v1/play", {"moves": []}),
            ("POST", "/v1/show", {**said, "disturbance": "typos", "severity": 2}),
        )
    )
    assert (explained.status_code, "explains nothing" in error(explained)) == (400, True)
    assert (option.status_code, "threshold" in error(option)) == (400, True)
    assert (card.status_code, "exported model" in error(card)) == (404, True)
    assert (played.status_code, "has learnt no game" in error(played)) == (400, True)
    assert disturbed.status_code == 200
    assert disturbed.json()["drawing"].startswith("<")


def test_a_damaged_one_is_refused_and_the_others_are_served(exported_texts, exported_pictures, tmp_path):
    import asyncio

    broken = shutil.copytree(exported_pictures.model.dir, tmp_path / "broken" / "onnx")
    (broken / "model.onnx").write_bytes(b"\0" * 100)
    whole = exported_texts.model.dir
    refused, answered, health = asyncio.run(
        asked(
            [broken, whole],
            ("POST", "/v1/predict", {"model": "broken/onnx", "inputs": "aGVsbG8="}),
            ("POST", "/v1/predict", {"model": "/".join([*whole.parts[-4:-2], "onnx"]), "inputs": "good"}),
            ("GET", "/health", None),
        )
    )
    assert (refused.status_code, "cannot be loaded" in error(refused)) == (503, True)
    assert answered.status_code == 200, answered.text
    assert health.json()["status"] == "ok"
