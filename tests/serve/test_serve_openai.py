"""The unchanged client of OpenAI against the service: a completion, streamed and whole, and a transcript."""

from __future__ import annotations

import io
import json
import socket
import time
import wave

import numpy as np
import pytest
from served import error, save, serving, untrained

openai = pytest.importorskip("openai", reason="the client of OpenAI is not installed: pip install openai")


@pytest.fixture(scope="module")
def models():
    return {name: untrained(name) for name in ("generate", "transcribe", "sentiment")}


@pytest.fixture(scope="module")
def local(models, tmp_path_factory):
    top = tmp_path_factory.mktemp("runs")
    places = [save(model, top / name / "1") for name, (model, _) in models.items()]
    with serving(*places, token="a-token") as found:
        yield found


@pytest.fixture
def client(local):
    with openai.OpenAI(base_url=f"{local.url}/v1", api_key="a-token", max_retries=0) as made:
        yield made


def test_a_completion_is_what_the_model_writes(client, models):
    model, _ = models["generate"]
    expected = model("the cat", temperature=1.0, length=20, seed=3)[0].value
    asked = {"model": "generate/1", "prompt": "the cat", "max_tokens": 20, "temperature": 1, "seed": 3}
    whole = client.completions.create(**asked)
    assert len(expected) > 5
    assert whole.choices[0].text == expected
    assert 0 < whole.usage.completion_tokens <= 20
    streamed = list(client.completions.create(**asked, stream=True))
    assert "".join(piece.choices[0].text for piece in streamed) == expected
    assert len(streamed) > 3
    assert streamed[-1].choices[0].finish_reason == "stop"


def test_several_prompts_and_several_answers(client):
    found = client.completions.create(model="generate/1", prompt=["the cat", "a dog"], n=2, max_tokens=8, seed=1)
    texts = [choice.text for choice in found.choices]
    assert [choice.index for choice in found.choices] == [0, 1, 2, 3]
    assert texts[0] != texts[1]
    again = client.completions.create(model="generate/1", prompt=["the cat", "a dog"], n=2, max_tokens=8, seed=1)
    assert [choice.text for choice in again.choices] == texts


def test_what_is_not_done_is_said(client):
    asked = {"model": "generate/1", "prompt": "the cat"}
    for words, said in (
        ({"logprobs": 3}, "logprobs"),
        ({"suffix": "x"}, "suffix"),
        ({"max_tokens": 100_000}, "length=100000"),
        ({"stream": True, "n": 2}, "one text is streamed"),
        ({"prompt": [1, 2]}, "no text"),
        ({"stop": "a|b"}, "stop"),
        ({"model": "sentiment/1"}, "no max_tokens"),
    ):
        with pytest.raises(openai.BadRequestError, match=said):
            client.completions.create(**{"max_tokens": 4, **asked, **words})
    with pytest.raises(openai.NotFoundError, match="no model is called"):
        client.completions.create(model="gpt-4", prompt="a")
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=client.base_url, api_key="wrong", max_retries=0).models.list()
    assert [model.id for model in client.models.list()] == ["generate/1", "transcribe/1", "sentiment/1"]


def test_a_client_that_leaves_in_mid_stream_stops_the_writing(local):
    host, port = local.url.removeprefix("http://").split(":")
    body = json.dumps({"model": "generate/1", "prompt": "the", "max_tokens": 2048, "stream": True})
    head = f"POST /v1/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer a-token\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall((head + body).encode())
        received = b""
        while received.count(b"data:") < 3:
            received += connection.recv(1000)
    until, computed = time.monotonic() + 10, -1
    while time.monotonic() < until and computed != local.service.queue.computed:
        computed = local.service.queue.computed
        time.sleep(0.3)
    assert local.service.queue.computed < 2000  # of 2,048 steps
    assert len(local.service.queue) == 0
    assert local.http.get("/health").status_code == 200


def recording(seconds: float) -> tuple[str, bytes]:
    file = io.BytesIO()
    samples = np.round(3000 * np.sin(np.arange(int(8000 * seconds)) / 5)).astype("<i2")
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(samples.tobytes())
    return "said.wav", file.getvalue()


def test_a_file_is_transcribed(client, models):
    model, _ = models["transcribe"]
    file = recording(1.5)
    expected = model([file[1]])[0]
    create = client.audio.transcriptions.create
    assert create(model="transcribe/1", file=file).text == str(expected.value)
    assert create(model="transcribe/1", file=file, response_format="text").strip() == str(expected.value)
    long = create(model="transcribe/1", file=file, response_format="verbose_json", language="en")
    assert long.duration == pytest.approx(1.5, abs=0.01)
    assert [word.word for word in long.words or []] == [word.text for word in expected.words]
    subtitles = create(model="transcribe/1", file=file, response_format="srt")
    assert subtitles.strip() == "" or "-->" in subtitles
    with pytest.raises(openai.BadRequestError, match="does not hear"):
        create(model="sentiment/1", file=file)
    with pytest.raises(openai.BadRequestError, match="not a recording"):
        create(model="transcribe/1", file=("a.wav", b"nothing at all"))


def test_a_form_that_is_none_is_refused(local):
    for content, kind, status in ((b"x", "multipart/form-data", 400), (b"{}", "application/json", 415)):
        refused = local.http.post("/v1/audio/transcriptions", content=content, headers={"Content-Type": kind})
        assert refused.status_code == status, error(refused)
