"""Requests that nobody would write: from the service's own description, and good ones that were broken. Never a 500."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from served import Local, png, save, serving, untrained

from sounding.randomness import stream

schemathesis = pytest.importorskip("schemathesis", reason="pip install schemathesis")
hypothesis = pytest.importorskip("hypothesis")

NAMES = ("classify", "sentiment", "forecast", "generate", "connect4")
FEW = hypothesis.settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.generate],
)


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    top = tmp_path_factory.mktemp("runs")
    with serving(*(save(untrained(name)[0], top / name / "1") for name in NAMES)) as found:
        yield found


@pytest.fixture(scope="module")
def described(local: Local):
    schema = schemathesis.openapi.from_dict(local.http.get("/openapi.json").json())
    schema.config.update(base_url=local.url)
    return schema


def test_requests_after_the_own_description(described):
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) >= 10

    for operation in operations:

        @FEW
        @hypothesis.given(operation.as_strategy())
        def answered(case):
            try:
                response = case.call(timeout=20)
            except (ValueError, OSError):  # what no client can send
                return
            assert response.status_code < 500, (case.as_curl_command(), response.text)

        answered()


GOOD: list[dict] = [
    {"model": "sentiment/1", "inputs": ["a good film", "dull"], "parameters": {"top_k": 2}},
    {"model": "classify/1", "inputs": png(np.full((9, 8, 1), 7, np.uint8)), "explain": "occlusion"},
    {"model": "sentiment/1", "inputs": "a good film", "disturbance": "typing errors", "severity": 2, "seed": 4},
    {"model": "forecast/1", "inputs": {"time": [f"2024-01-01 {k:02}:00" for k in range(24)], "load": [1.0] * 24}},
    {"model": "generate/1", "prompt": "the cat", "max_tokens": 5, "temperature": 0.5, "stop": ["."], "n": 1},
    {"model": "connect4/1", "moves": ["D", "C"], "answer": True, "strength": 1, "seed": 1},
    {"model": "connect4/1", "inputs": {"board": ["......."] * 5 + ["...XO.."], "to_play": "X"}},
]
ODD = (
    *(
        None,
        True,
        -1,
        0,
        10**30,
        1.5,
        1e308,
        -0.0,
        "",
        "\0",
        "é\ud800",
        "../../etc/passwd",
        "http://a/b.png",
        "x" * 5000,
    ),
    *([], {}, [[]], [None], {"": None}, [[[1]]], {"path": "/etc/passwd"}, {"bytes": 3}, {"array": ["a"]}, {"moves": 3}),
    *({"board": 3}, {"board": [3]}, {"board": ["."] * 6, "to_play": []}, {"first": 1}, {"time": [[1]], "load": [{}]}),
)
ADDRESSES = ("/v1/predict", "/v1/explain", "/v1/show", "/v1/completions", "/v1/play", "/v1/audio/transcriptions")


def broken(good: dict, rng: np.random.Generator) -> bytes:
    """A good request with a field that is odd, missing or new, cut off or with other bytes."""
    words = dict(good)
    name = str(rng.choice(sorted(words)))
    odd = ODD[int(rng.integers(len(ODD)))]
    kind = int(rng.integers(5))
    if kind == 0:
        words[name] = odd
    elif kind == 1:
        del words[name]
    elif kind == 2:
        field = str(rng.choice(["parameters", "severity", "seed", "explain", "size", "komi", "n", "inputs", "stream"]))
        words[field] = {str(rng.choice(["top_k", "length", "search", "a"])): odd} if field == "parameters" else odd
    text = bytearray(json.dumps(words).encode())
    if kind == 3:
        return bytes(text[: int(rng.integers(len(text)))])
    if kind == 4:
        for place in rng.integers(len(text), size=3):
            text[place] = int(rng.integers(256))
    return bytes(text)


def test_good_requests_that_were_broken(local):
    rng = stream("fuzz")
    seen = set()
    for number in range(160):
        content = broken(GOOD[number % len(GOOD)], rng)
        address = str(rng.choice(ADDRESSES))
        kind = (
            "application/json"
            if rng.random() < 0.9
            else str(rng.choice(["text/csv", "multipart/form-data; boundary=x"]))
        )
        response = local.http.post(address, content=content, headers={"Content-Type": kind})
        assert response.status_code < 500, (address, kind, content, response.text)
        seen.add(response.status_code)
    assert {200, 400} < seen
    assert local.http.get("/health").json()["waiting"] == 0


def test_files_that_were_broken(local):
    rng, whole = stream("files"), base64.b64decode(png(np.arange(64, dtype=np.uint8).reshape(8, 8, 1)))
    for _ in range(40):
        data = bytearray(whole[: int(rng.integers(1, len(whole) + 1))])
        for place in rng.integers(len(data), size=int(rng.integers(4))):
            data[place] = int(rng.integers(256))
        sent = local.http.post("/v1/predict", data={"model": "classify/1"}, files={"file": bytes(data)})
        assert sent.status_code < 500, (bytes(data), sent.text)
