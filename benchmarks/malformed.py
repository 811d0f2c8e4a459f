"""Ten thousand requests that are wrong, against a service of its own: statuses, memory, and a restart after kill -9.

    python benchmarks/malformed.py [--requests 10000] [--seed 0]

The service is a process at the loopback that serves small models (two steps on their demonstrations). Of the requests a
fifth are drawn by schemathesis from the service's own OpenAPI description, the others are good ones that were broken:
fields that are odd, missing or new, JSON cut off or with other bytes, nested 10,000 deep, bodies of other types, files
cut off, pictures of 50,000 × 50,000 pixels, bodies larger than is taken, hosts of other sites, and clients that send
half a request and then nothing, or leave. Prints how many answers had which status, and resident memory before, half
way and after; ends with status 1 where one was 500 or a good request was not answered any more.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import json
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

import sounding as sd
from sounding.randomness import stream

TASKS = ("classify", "sentiment", "forecast", "generate")
ADDRESSES = ("predict", "explain", "show", "completions", "play", "watch", "audio/transcriptions")
HALF = 40
"""Clients that send half a request and then nothing."""
JSON = {"Content-Type": "application/json"}


def picture() -> str:
    file = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


GOOD: list[dict[str, Any]] = [
    {"model": "sentiment/1", "inputs": ["a good film", "dull"], "parameters": {"top_k": 2}},
    {"model": "classify/1", "inputs": picture(), "explain": "occlusion"},
    {"model": "sentiment/1", "inputs": "a good film", "disturbance": "typing errors", "severity": 2, "seed": 4},
    {"model": "forecast/1", "inputs": {"time": [f"2024-01-01 {k:02}:00" for k in range(24)], "load": [1.0] * 24}},
    {"model": "generate/1", "prompt": "the cat", "max_tokens": 3, "temperature": 0.5, "stop": ["."], "n": 1},
]
LARGE: tuple[Any, ...] = (10**30, 1e308, "x" * 300_000, "é\ud800", [[[1]]] * 100, {"array": [0.5] * 1000})
STRANGE: tuple[Any, ...] = ("../../etc/passwd", "http://a/b.png", "\0", {"path": "/etc/passwd"}, {"first": 1}, [None])
ODD: tuple[Any, ...] = (None, True, -1, 0, 1.5, "", [], {}, {"board": 3}, {"time": [[1]]}, *LARGE, *STRANGE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = [Path(folder) / task / "1" for task in TASKS]
        for task, run in zip(TASKS, runs, strict=True):
            sd.train(task, "demo", size="tiny", steps=2, out=run, card=None)
        with serving(runs, free_port()) as (http, process):
            warm(http)
            before, began = memory(process.pid), time.perf_counter()
            found = sent(http, options.requests // 2, stream("malformed", options.seed, 0))
            half = memory(process.pid)
            found += sent(http, options.requests // 2, stream("malformed", options.seed, 1))
            print(f"{sum(found.values()):,} requests in {time.perf_counter() - began:.0f} s: {told(found)}")
            alive = warm(http)
            after = f"{half:.0f} MB half way, {memory(process.pid):.0f} MB after"
            print(f"memory {before:.0f} MB before, {after}; waiting {waiting(http)}")
            process.send_signal(signal.SIGKILL)
            process.wait()
        killed = time.perf_counter()
        with serving(runs, http.base_url.port or 0) as (http, _):
            listens = time.perf_counter() - killed
            first = answered(http, GOOD[0])
            print(f"after kill -9: listens in {listens:.1f} s, and the first answer came {first:.1f} s later")
            again = answered(http, GOOD[0])
            print(f"with the model loaded an answer takes {1000 * again:.0f} ms")
    bad = {status: count for status, count in found.items() if isinstance(status, int) and status == 500}
    sys.exit(1 if bad or not alive else 0)


def told(found: Counter[Any]) -> str:
    return ", ".join(f"{status}: {count:,}" for status, count in sorted(found.items(), key=lambda pair: str(pair[0])))


# ---- the service


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def serving(runs: list[Path], port: int) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """A service in a process of its own, once it listens."""
    command = [sys.executable, "-m", "sounding", "serve", *map(str, runs), "--port", str(port), "--body", "1"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
            while not _listens(http):
                assert process.poll() is None, "the service has ended"
                time.sleep(0.05)
            yield http, process
    finally:
        process.kill()
        process.wait()


def _listens(http: httpx.Client) -> bool:
    try:
        return http.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def warm(http: httpx.Client) -> bool:
    """Whether a good request of each model is answered, which loads them."""
    place = {"generate/1": "/v1/completions"}
    return all(http.post(place.get(g["model"], "/v1/predict"), json=_plain(g)).status_code == 200 for g in GOOD)


def _plain(good: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in good.items() if name not in ("explain", "disturbance", "severity", "seed")}


def answered(http: httpx.Client, good: dict[str, Any]) -> float:
    """Seconds until a good request is answered."""
    began = time.perf_counter()
    http.post("/v1/predict", json=good).raise_for_status()
    return time.perf_counter() - began


def memory(pid: int) -> float:
    """Resident megabytes of a process."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) * 1024 / 1e6


def waiting(http: httpx.Client) -> int:
    return int(http.get("/health").json()["waiting"])


# ---- what is sent


def sent(http: httpx.Client, count: int, rng: np.random.Generator) -> Counter[Any]:
    """How many of `count` requests were answered with which status, or in what other way they ended."""
    kinds: list[Callable[[httpx.Client, np.random.Generator], Any]] = [
        *[broken_json] * 12,
        broken_file,
        bomb,
        huge,
        deep,
        strange,
    ]
    found: Counter[Any] = Counter()
    slow = [half_a_request(http) for _ in range(HALF)]
    found.update(drawn(http, count // 5, int(rng.integers(2**31))))
    for number in range(count - sum(found.values()) - HALF):
        found[kinds[number % len(kinds)](http, rng)] += 1
    for connection in slow:
        found[how_it_ended(connection)] += 1
    return found


def drawn(http: httpx.Client, count: int, seed: int) -> Counter[Any]:
    """Requests that schemathesis draws from the service's own description."""
    import hypothesis
    import schemathesis

    schema = schemathesis.openapi.from_dict(http.get("/openapi.json").json())
    schema.config.update(base_url=str(http.base_url))
    operations, found = [each.ok() for each in schema.get_all_operations()], Counter[Any]()
    healthy = {"deadline": None, "database": None, "suppress_health_check": list(hypothesis.HealthCheck)}
    phases = [hypothesis.Phase.generate]
    for operation in operations:

        @hypothesis.seed(seed)
        @hypothesis.settings(max_examples=max(1, count // len(operations)), phases=phases, **healthy)
        @hypothesis.given(operation.as_strategy())
        def ask(case: Any) -> None:
            try:
                found[case.call(timeout=60).status_code] += 1
            except (ValueError, OSError):  # what no client can send
                found["not sent"] += 1

        ask()
    return found


def broken_json(http: httpx.Client, rng: np.random.Generator) -> Any:
    """A good request with a field that is odd, missing or new, cut off, or with other bytes."""
    words = dict(GOOD[int(rng.integers(len(GOOD)))])
    name, odd, kind = str(rng.choice(sorted(words))), ODD[int(rng.integers(len(ODD)))], int(rng.integers(5))
    if kind == 0:
        words[name] = odd
    elif kind == 1:
        del words[name]
    elif kind == 2:
        words[str(rng.choice(["parameters", "severity", "seed", "explain", "size", "n", "inputs", "moves"]))] = odd
    text = bytearray(json.dumps(words).encode())
    if kind == 3:
        text = text[: int(rng.integers(len(text)))]
    if kind == 4:
        for place in rng.integers(len(text), size=3):
            text[place] = int(rng.integers(256))
    return http.post(f"/v1/{rng.choice(ADDRESSES)}", content=bytes(text), headers=JSON).status_code


def broken_file(http: httpx.Client, rng: np.random.Generator) -> Any:
    """A picture that was cut off, with other bytes."""
    data = bytearray(base64.b64decode(picture()))[: int(rng.integers(1, 90))]
    for place in rng.integers(len(data), size=2):
        data[place] = int(rng.integers(256))
    form = {"model": "classify/1"}
    return http.post("/v1/predict", data=form, files={"file": bytes(data)}).status_code


def bomb(http: httpx.Client, rng: np.random.Generator) -> Any:
    """A PNG of 50,000 × 50,000 pixels in a kilobyte or two."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(b"\0" * 500_000))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")
    return http.post("/v1/predict?model=classify/1", content=data, headers={"Content-Type": "image/png"}).status_code


def huge(http: httpx.Client, rng: np.random.Generator) -> Any:
    """More than is taken, with a length or without one; the service may hang up meanwhile."""
    parts = (b"x" * 65536 for _ in range(20))
    content: Any = parts if rng.random() < 0.5 else b"".join(parts)
    try:
        headers = {"Content-Type": "image/png"}
        return http.post("/v1/predict?model=classify/1", content=content, headers=headers).status_code
    except httpx.TransportError:
        return "hung up"


def deep(http: httpx.Client, rng: np.random.Generator) -> Any:
    """Brackets in brackets, 10,000 of them."""
    text = '{"inputs": ' + ("[" * 10_000 if rng.random() < 0.5 else '{"a":' * 10_000)
    return http.post("/v1/predict", content=text, headers=JSON).status_code


def strange(http: httpx.Client, rng: np.random.Generator) -> Any:
    """Another type, another verb, another host, or an address that there is none of."""
    kind = int(rng.integers(4))
    if kind == 0:
        return http.post("/v1/predict", content=b"inputs=a", headers={"Content-Type": "text/csv"}).status_code
    if kind == 1:
        return http.request(str(rng.choice(["PUT", "DELETE", "PATCH"])), "/v1/predict").status_code
    if kind == 2:
        return http.get("/v1/models", headers={"Host": "elsewhere.example"}).status_code
    return http.get(f"/page/..%2f{'x' * int(rng.integers(2000))}").status_code


def half_a_request(http: httpx.Client) -> socket.socket:
    """A connection on which a request begins, and does not go on."""
    host, port = str(http.base_url.host), int(http.base_url.port or 0)
    connection = socket.create_connection((host, port), timeout=60)
    head = f"POST /v1/predict HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\nContent-Type: application/json"
    connection.sendall(f"{head}\r\n\r\n{{".encode())
    return connection


def how_it_ended(connection: socket.socket) -> Any:
    """The status that came after all, or that it was closed."""
    with connection:
        said = connection.recv(200)
    return int(said.split()[1]) if said else "closed"


if __name__ == "__main__":
    main()
