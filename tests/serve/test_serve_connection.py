"""HTTP as strangers write it: too long, too many, too slow, in pieces, one after the other; each by raw bytes."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import httpx
import pytest
from served import SMALL, Local, save, serving, untrained

from sounding.serve import connection

HOST = b"Host: localhost\r\n"
QUICK = replace(SMALL, upload=0.3, head=4096, headers=30, pipelined=5)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return save(untrained("sentiment")[0], tmp_path_factory.mktemp("runs") / "sentiment" / "1")


@pytest.fixture(scope="module")
def local(run) -> Iterator[Local]:
    with serving(run, limits=QUICK) as found:
        yield found


def question(text: str, *, headers: bytes = HOST) -> bytes:
    body = json.dumps({"inputs": text}).encode()
    start = b"POST /v1/predict HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    return start + headers + b"\r\n" + body


class Line:
    """One end of a connection to a service."""

    def __init__(self, local: Local) -> None:
        host, port = local.url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self._read = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send what the service still takes."""
        with suppress(BrokenPipeError, ConnectionResetError):  # it has hung up; what it said is still to be read
            self.socket.sendall(data)

    def answer(self) -> tuple[int, bytes]:
        """The status and the body of the next answer; 0 where the service has hung up."""
        first = self._read.readline()
        if not first:
            return 0, b""
        headers = {}
        while (line := self._read.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        return int(first.split()[1]), self._read.read(int(headers.get(b"content-length", 0)))

    def closed(self) -> bool:
        """Whether the service hangs up, and says no more."""
        try:
            return self._read.read() == b""
        except ConnectionResetError:
            return True


@contextmanager
def line(local: Local) -> Iterator[Line]:
    found = Line(local)
    with found.socket:
        yield found


def refused(local: Local, data: bytes) -> tuple[int, str]:
    """The status and the message that bytes are refused with, after which the service hangs up and goes on."""
    with line(local) as found:
        found.send(data)
        status, body = found.answer()
        assert found.closed()
    assert local.http.post("/v1/predict", json={"inputs": "a good film"}).status_code == 200
    return status, json.loads(body)["error"]["message"]


# ---- too long, too many


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (question("a", headers=HOST + b"X-Long: " + b"x" * 5000 + b"\r\n"), "longer than 4,096 bytes"),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", "longer than 4,096 bytes"),
        (question("a", headers=HOST + b"X: y\r\n" * 40), "more than 30 headers"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X-Endless: " + b"x" * 5000, "longer than 4,096 bytes"),
        (b"\r\n" * 3000, "longer than 4,096 bytes"),
    ],
)
def test_headers_that_are_too_long_or_too_many_are_refused(local, data, said):
    status, message = refused(local, data)
    assert (status, said in message) == (431, True)


def test_headers_without_an_end_are_refused_while_they_come(local):
    with line(local) as found:
        found.send(b"GET /health HTTP/1.1\r\n" + HOST)
        for number in range(2000):
            found.send(b"X-%d: %s\r\n" % (number, b"x" * 100))
        with suppress(ConnectionResetError):  # it hung up while more was sent
            assert found.answer()[0] in (431, 0)
    assert local.http.get("/health").status_code == 200


def test_what_stands_behind_a_body_is_no_header_and_no_end_of_memory(run):
    chunked = b"POST /v1/predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n" + HOST
    body = b'{"inputs": "a good film"}'
    start = chunked + b"\r\n%x\r\n%s\r\n0\r\n" % (len(body), body)
    with serving(run, limits=QUICK, token="secret") as local, line(local) as found:
        found.send(start + b"Authorization: Bearer secret\r\n\r\n")
        assert found.answer()[0] == 401
    with serving(run, limits=QUICK) as local:
        with line(local) as found:
            found.send(start + b"X-Trailer: y\r\n\r\n")
            assert found.answer()[0] == 200
        with line(local) as found:
            found.send(start)
            for _ in range(50):
                found.send(b"X-Trailer: " + b"x" * 1000 + b"\r\n")
                time.sleep(0.001)
            assert found.answer()[0] in (431, 0)
            assert found.closed()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"hello\r\n\r\n", "no HTTP request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 50, "no HTTP request"),
        (b"GET / HTTP/1.1\r\n\r\n", "no Host, or several"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n", "no Host, or several"),
        (question("a", headers=HOST + b"Transfer-Encoding: chunked\r\n"), "no HTTP request"),
        (question("a", headers=HOST + b"Content-Length: 3\r\n"), "no HTTP request"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X : y\r\n\r\n", "no HTTP request"),
        (b"POST /v1/predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + b"\r\nzz\r\n", "no HTTP request"),
    ],
)
def test_what_is_no_http_is_refused(local, data, said):
    status, message = refused(local, data)
    assert (status, said in message) == (400, True)


# ---- too slow


@pytest.mark.parametrize("data", [b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: loc", question("a film")[:-3]])
def test_a_request_that_does_not_come_is_given_up(local, data):
    status, message = refused(local, data)
    assert (status, "not there after 0.3 seconds" in message) == (408, True)


def test_a_request_that_drips_is_given_up(local):
    with line(local) as found:
        began = time.monotonic()
        for place in range(200):
            found.send(question("a good film" * 50)[place : place + 1])
            time.sleep(0.02)
            if time.monotonic() - began > 3:
                break
        assert found.answer()[0] in (408, 0)


def test_a_connection_on_which_nothing_comes_is_closed(run, monkeypatch):
    monkeypatch.setattr(connection, "IDLE", 0.2)
    with serving(run) as local, line(local) as found:
        assert found.closed()


# ---- as it should be


def test_a_request_in_pieces_is_answered_as_a_whole_one(local):
    whole = local.http.post("/v1/predict", json={"inputs": "a good film"}).json()
    data = question("a good film")
    with line(local) as found:
        for place in range(len(data)):
            found.send(data[place : place + 1])
        status, body = found.answer()
    assert (status, json.loads(body)) == (200, whole)


def test_requests_one_after_the_other_are_answered_in_their_order(local):
    texts = ["a good film", "a dull one", "neither"]
    each = [local.http.post("/v1/predict", json={"inputs": text}).json() for text in texts]
    assert each[0] != each[1]
    with line(local) as found:
        found.send(b"".join(map(question, texts)))
        assert [json.loads(found.answer()[1]) for _ in texts] == each
        for text, known in zip(texts, each, strict=True):  # on the same connection
            found.send(question(text))
            assert json.loads(found.answer()[1]) == known


def test_too_many_requests_that_wait_on_a_connection_are_not_read(local):
    with line(local) as found:
        found.send(question("a good film") * 50)
        answered = 0
        while found.answer()[0] == 200:
            answered += 1
        assert answered <= QUICK.pipelined + 1
    assert local.http.get("/health").json()["waiting"] == 0


def test_a_client_that_waits_to_be_asked_for_the_body_is_asked(local):
    data = question("a good film", headers=HOST + b"Expect: 100-continue\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    with line(local) as found:
        found.send(head + b"\r\n\r\n")
        assert found.answer()[0] == 100
        found.send(body)
        assert found.answer()[0] == 200


def test_http_1_0_is_answered_once(local):
    with line(local) as found:
        found.send(question("a good film").replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert found.answer()[0] == 200
        assert found.closed()


def test_requests_in_progress_are_answered_when_the_service_stops(run):
    with serving(run) as local:
        local.http.post("/v1/predict", json={"inputs": "a good film"})
        found: list[httpx.Response] = []
        begun, go_on = threading.Event(), threading.Event()

        def slow() -> None:
            begun.set()
            go_on.wait(20)

        service = local.service
        blocked = threading.Thread(target=lambda: asyncio.run(service.queue.compute(slow)))
        blocked.start()
        assert begun.wait(20)
        asking = threading.Thread(
            target=lambda: found.append(httpx.post(f"{local.url}/v1/predict", json={"inputs": "a good film"}))
        )
        asking.start()
        until = time.monotonic() + 20
        while len(service.queue) < 1 and time.monotonic() < until:
            time.sleep(0.01)
        stopping = threading.Thread(target=local.close)
        stopping.start()
        time.sleep(0.2)
        go_on.set()
        for thread in (blocked, asking, stopping):
            thread.join(20)
    assert [response.status_code for response in found] == [200]
