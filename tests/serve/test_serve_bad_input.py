"""What strangers send: one clear answer below 500, nothing opened, nothing written, and the service goes on."""

from __future__ import annotations

import base64
import builtins
import contextlib
import io
import json
import os
import socket
import struct
import tempfile
import wave
import zlib
from pathlib import Path

import httpx
import numpy as np
import pytest
from served import SMALL, Local, error, png, save, serving, untrained

from sounding.errors import RunError, UsageError
from sounding.serve.models import Shelf
from sounding.serve.running import bound
from sounding.serve.settings import Settings

PICTURE = png(np.full((8, 8, 1), 9, np.uint8))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    top = tmp_path_factory.mktemp("runs")
    return {
        name: save(untrained(name)[0], top / name / "1") for name in ("classify", "sentiment", "forecast", "transcribe")
    }


@pytest.fixture(scope="module")
def local(runs):
    with serving(*runs.values()) as found:
        yield found


def post(local: Local, name: str, inputs: object, address: str = "/v1/predict", **words):
    return local.http.post(address, json={"model": f"{name}/1", "inputs": inputs, **words})


# ---- what is sent


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side: int) -> bytes:
    """A PNG of `side` × `side` black pixels that is as small as its first rows."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (side + 1) * 10)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [150, 12_000, 50_000])
def test_a_picture_with_too_many_pixels_is_refused_by_its_header(local, side):
    refused = local.http.post("/v1/predict", data={"model": "classify/1"}, files={"file": bomb(side)})
    assert (refused.status_code, "million pixels" in error(refused)) == (413, True)


def test_a_recording_of_ten_hours_is_refused_by_its_header(local):
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(2000)
        sound.writeframes(b"\x80" * 2000 * 30)
    refused = local.http.post("/v1/predict", data={"model": "transcribe/1"}, files={"file": file.getvalue()})
    assert (refused.status_code, "hours long" in error(refused)) == (413, True)


def test_an_upload_is_refused_before_it_is_there(local):
    host, port = local.url.removeprefix("http://").split(":")
    head = f"POST /v1/predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/png\r\nContent-Length: 3221225472\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(200).startswith(b"HTTP/1.1 413")


def test_a_body_without_a_length_is_counted(local):
    endless = (b"x" * 65536 for _ in range(2 * SMALL.body // 65536))
    headers = {"Content-Type": "image/png"}
    with contextlib.suppress(httpx.TransportError):  # the connection may be closed while the client still sends
        assert local.http.post("/v1/predict?model=classify/1", content=endless, headers=headers).status_code == 413
    assert 'sounding_requests_total{path="/v1/predict",status="413"}' in local.http.get("/metrics").text


def test_a_body_that_does_not_come_is_given_up(runs):
    from dataclasses import replace

    with serving(runs["classify"], limits=replace(SMALL, upload=0.3)) as local:
        host, port = local.url.removeprefix("http://").split(":")
        head = f"POST /v1/predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/png\r\nContent-Length: 100\r\n\r\nabc"
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(head.encode())
            assert connection.recv(200).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"inputs": ' + "[" * 10_000 + "]" * 10_000 + "}", "nested deeper"),
        ('{"inputs": ' + '{"a":' * 10_000, "nested deeper"),
        ('{"inputs": "}}}}[[[["', "no JSON"),
        ('{"inputs": [NaN]}', "NaN is no JSON"),
        ('{"inputs": [Infinity]}', "Infinity is no JSON"),
        ("[1, 2]", "should be a JSON object"),
        ('{"inputs": "a", "parameters": []}', "parameters"),
        ('{"inputs": "a", "parameters": {"temperature": [1]}}', "no number and no word"),
        ('{"inputs": "a", "parameters": {"colour": 1}}', "colour"),
        ('{"inputs": "a", "parameters": {"top_k": 0}}', "top_k"),
        ('{"inputs": []}', "no text to answer about"),
        ('{"inputs": ["a","a","a","a","a","a","a","a","a"]}', "at most 8"),
        ('{"inputs": 7}', "int, not text"),
        ('{"inputs": "\\ud800"}', ""),
        ('{"inputs": "' + "a " * 6000 + '"}', "at most 10,000"),
        ("", "no JSON"),
    ],
)
def test_json_that_means_nothing_is_refused(local, text, said):
    text = text[:-1] + ', "model": "sentiment/1"}' if text.endswith("}") else text
    refused = local.http.post("/v1/predict", content=text, headers={"Content-Type": "application/json"})
    assert 400 <= refused.status_code < 500
    assert said in error(refused)


def test_a_series_with_gaps_is_answered_and_infinite_numbers_are_not(local):
    hours = [f"2024-01-{1 + k // 24:02} {k % 24:02}:00" for k in range(200)]
    load, price = [1.0 + k % 24 for k in range(200)], [2.0] * 200
    gaps = {"time": hours, "load": [None if k % 50 == 7 else x for k, x in enumerate(load)], "price": price}
    assert post(local, "forecast", gaps).status_code == 200
    table = "time,load,price\n" + "\n".join(f"{t},{x},{p}" for t, x, p in zip(hours, load, price, strict=True))
    answer = post(local, "forecast", table)
    assert answer.status_code == 200, answer.text
    pasted = local.http.post("/v1/predict", data={"model": "forecast/1"}, files={"file": ("x.csv", table)})
    assert pasted.json() == answer.json()
    refused = post(local, "forecast", table.replace(",5.0,", ",inf,", 1))
    assert (refused.status_code, "infinite" in error(refused)) == (400, True)
    for bad in ("time,load\n", "a", {"time": 3}, {"time": hours}, {"time": hours, "load": [1]}, [3], {}):
        assert post(local, "forecast", bad).status_code == 400


def test_no_path_of_a_request_is_opened_and_nothing_is_written(local, tmp_path, monkeypatch):
    secret = tmp_path / "secret.txt"
    secret.write_text("a good film about nothing at all")
    opened: list[str] = []

    def noting(real):
        def open_(name, *rest, **words):
            opened.append(os.fspath(name) if isinstance(name, str | os.PathLike) else str(name))
            return real(name, *rest, **words)

        return open_

    post(local, "sentiment", "warm")  # what is loaded once is
    post(local, "classify", PICTURE)
    monkeypatch.setattr(builtins, "open", noting(builtins.open))
    monkeypatch.setattr(io, "open", noting(io.open))
    monkeypatch.setattr(os, "open", noting(os.open))
    before = set(os.listdir(tempfile.gettempdir()))
    told = post(local, "sentiment", str(secret), "/v1/show").json()
    assert told["text"] == str(secret)  # a text like any other
    for cell in (str(secret), {"path": str(secret)}, {"bytes": None, "path": str(secret)}):
        assert post(local, "classify", cell).status_code == 400
        assert post(local, "transcribe", cell).status_code == 400
    large = base64.b64decode(PICTURE) + b"\0" * 900_000
    sent = local.http.post("/v1/predict", data={"model": "classify/1"}, files={"file": (str(secret), large)})
    assert sent.status_code == 200
    assert not [name for name in opened if "secret" in name]
    assert not [name for name in set(os.listdir(tempfile.gettempdir())) - before if not name.startswith("pytest")]


def test_pictures_that_a_program_beside_pillow_would_open_are_not_taken(local):
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    refused = local.http.post("/v1/predict", data={"model": "classify/1"}, files={"file": postscript})
    assert (refused.status_code, "EPS" in error(refused)) == (415, True)


def test_words_of_the_wrong_kind_are_refused(local):
    shown = {"model": "sentiment/1", "inputs": "a good film"}
    for words in ({"severity": 9, "disturbance": "typing errors"}, {"disturbance": "rain"}, {"disturbance": 3}):
        assert local.http.post("/v1/show", json={**shown, **words}).status_code == 400
    for words in ({"explain": "magic"}, {"explain": 3}, {"explain": "occlusion", "seed": "x"}):
        assert local.http.post("/v1/show", json={**shown, **words}).status_code == 400
    assert local.http.post("/v1/predict", json={"inputs": "a"}).status_code == 404
    assert local.http.post("/v1/predict", json={"model": 3, "inputs": "a"}).status_code == 400
    assert local.http.post("/v1/predict", content=b"a", headers={"Content-Type": "text/plain"}).status_code == 415
    assert local.http.get("/v1/card?model=sentiment/1").status_code == 404
    assert local.http.get("/nothing").status_code == 404
    assert local.http.put("/v1/predict").status_code == 405


# ---- who may ask


def test_a_token_is_asked_for(runs):
    with serving(runs["sentiment"], token="a secret") as local:
        assert local.http.get("/v1/models").status_code == 200
        for given in ("", "Bearer", "Bearer wrong", "Basic a secret", "Bearer a secreT"):
            refused = local.http.get("/v1/models", headers={"Authorization": given})
            assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        refused = local.http.post("/v1/predict", json={"inputs": "a"}, headers={"Authorization": "Bearer é".encode()})
        assert refused.status_code == 401
        assert local.http.get("/health", headers={"Authorization": ""}).status_code == 200


def test_pages_of_other_sites_may_not_ask(local):
    for headers in ({"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "[::1"}):
        assert local.http.get("/v1/models", headers=headers).status_code in (400, 403)
    assert local.http.get("/v1/models", headers={"Host": "localhost:1"}).status_code == 200


# ---- runs


def test_a_run_that_is_none_or_of_another_version_is_named_at_once(runs, tmp_path):
    with pytest.raises(RunError, match="there is no such folder"):
        Shelf([tmp_path / "nowhere"], 1)
    newer = tmp_path / "newer"
    newer.mkdir()
    config = json.loads((runs["classify"] / "config.json").read_text())
    (newer / "config.json").write_text(json.dumps({**config, "schema": 99}))
    with pytest.raises(RunError, match="made by a newer version"):
        Shelf([newer], 1)
    with pytest.raises(UsageError, match="nothing to serve"):
        Shelf([], 1)


def test_a_run_that_is_damaged_stays_as_it_was_and_one_that_is_mended_is_read_anew(tmp_path):
    model, _ = untrained("sentiment")
    folder = save(model, tmp_path / "texts" / "1")
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    with serving(folder) as local:
        first = local.http.post("/v1/predict", json={"inputs": "a good film"}).json()
        weights.write_bytes(whole[: len(whole) // 2])
        again = local.http.post("/v1/predict", json={"inputs": "a good film"})
        assert again.json() == first
        health = local.http.get("/health").json()
        assert "the one loaded before is kept" in health["warnings"][0]
        weights.write_bytes(whole)
        assert local.http.post("/v1/predict", json={"inputs": "a good film"}).json() == first
        assert "warnings" not in local.http.get("/health").json()


def test_a_run_that_is_damaged_before_it_is_asked_is_unavailable(tmp_path):
    folder = save(untrained("sentiment")[0], tmp_path / "texts" / "1")
    with serving(folder) as local:
        (folder / "model.safetensors").write_bytes(b"nothing")
        refused = local.http.post("/v1/predict", json={"inputs": "a"})
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert local.http.get("/health").status_code == 200


def test_models_that_do_not_fit_are_given_back(runs):
    two = [runs["sentiment"], runs["classify"]]
    with serving(*two, memory=1) as local:
        for _ in range(2):
            assert post(local, "sentiment", "a").status_code == 200
            assert post(local, "classify", PICTURE).status_code == 200
            assert local.http.get("/health").json()["loaded"] == ["classify/1"]
        assert "sounding_evictions_total 3" in local.http.get("/metrics").text


def test_a_port_in_use_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match=r"is in use.*--port"):
            bound(Settings(port=taken.getsockname()[1]))
    with pytest.raises(UsageError, match="no port"):
        Settings(port=70_000)
    with pytest.raises(UsageError, match="nothing can listen there"):
        bound(Settings(host="203.0.113.7", port=0))


def test_the_runs_are_called_by_the_ends_of_their_paths(runs, tmp_path):
    from sounding.serve.models import named

    places = [Path("/a/runs/classify/1"), Path("/b/runs/classify/1"), Path("/b/runs/classify/2")]
    assert list(named(places)) == ["a/runs/classify/1", "b/runs/classify/1", "b/runs/classify/2"]
    assert list(named(places[1:])) == ["classify/1", "classify/2"]


def test_a_picture_is_answered_however_it_is_sent(local):
    data = base64.b64decode(PICTURE)
    as_json = post(local, "classify", PICTURE).json()
    as_url = post(local, "classify", f"data:image/png;base64,{PICTURE}").json()
    as_form = local.http.post("/v1/predict", data={"model": "classify/1"}, files={"file": data}).json()
    as_body = local.http.post(
        "/v1/predict?model=classify/1", content=data, headers={"Content-Type": "image/png"}
    ).json()
    assert as_json == as_url == as_form == as_body
    broken = local.http.post("/v1/predict", data={"model": "classify/1"}, files={"file": data[: len(data) // 2]})
    assert (broken.status_code, "the picture is" in error(broken)) == (400, True)
