"""How many answers a second `sounding serve` gives, and how late, beside the same model asked directly in batches.

    python benchmarks/serve.py [--tasks classify sentiment] [--inputs 1 8] [--concurrency 32] [--seconds 10]

The network is that of the size, with weights of two steps on noise: what it computes does not depend on them. The
service is a process of its own on this machine, at the loopback; its clients, which share the processor with it, each
send a request, with so many inputs, when they have the answer to the last. *Direct* is `model(inputs)` on the same
files (JPEG of 256×256 pixels, or sentences of 25 words) in batches of the recipe, in turns with the service. Prints
answers a second of both, the processor's milliseconds of an answer of both, of the service's process alone, the medians
of the rounds' ratios of either, p50 and p99 of the requests' times, and how many questions were computed together. The
clients take processor time from the service, which elsewhere they would not: without them the service gives as large a
share of the direct answers as *share by processor* says. With OMP_NUM_THREADS=1 no thread of torch waits by spinning,
which counts as work.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import common
import numpy as np
from PIL import Image

import sounding as sd
from sounding.machine.setting import prepare

JSON = "application/json"
SIDE = 256
SENTENCE = (
    "Although the plot is thin in places, the two leads are so charming together that by the end hardly anybody in the "
    "cinema seemed to mind it."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=["classify", "sentiment"], choices=("classify", "sentiment"))
    parser.add_argument("--inputs", nargs="+", type=int, default=[1, 8], help="in one request")
    parser.add_argument("--size", default="small")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    prepare()
    rates = ("direct /s", "served /s", "share", "direct CPU ms", "served CPU ms", "share by processor")
    print(common.heads("application", "inputs", *rates, "p50 ms", "p99 ms", "p99 / p50", "together"))
    for task in options.tasks:
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            model = sd.train(task, examples(task), size=options.size, steps=2, out=run, card=None)
            for inputs in options.inputs:
                print(row(task, inputs, sd.load(model.dir), options), flush=True)


def examples(task: str, n: int = 12) -> list[sd.Example]:
    if task == "sentiment":
        return [sd.Example(f"{SENTENCE} {i}", "ab"[i % 2]) for i in range(n)]
    pictures = np.random.default_rng(0).integers(0, 256, (n, SIDE, SIDE, 3), np.uint8)
    return [sd.Example(picture, "ab"[i % 2]) for i, picture in enumerate(pictures)]


def question(task: str, inputs: int = 1) -> tuple[object, bytes, str]:
    """What is asked: in Python, and as the body of a request with its type, so many times."""
    if task == "sentiment":
        return SENTENCE, _json(SENTENCE, inputs), JSON
    smooth = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(smooth).resize((SIDE, SIDE)).save(file, "JPEG", quality=90)
    if inputs == 1:
        return file.getvalue(), file.getvalue(), "image/jpeg"
    return file.getvalue(), _json(base64.b64encode(file.getvalue()).decode(), inputs), JSON


def _json(input: str, inputs: int) -> bytes:
    return json.dumps({"inputs": input if inputs == 1 else [input] * inputs}).encode()


@dataclass(frozen=True)
class Rate:
    """Answers a second, and processor seconds of an answer."""

    answers: float
    processor: float


def row(task: str, inputs: int, model: sd.Model, options: argparse.Namespace) -> str:
    asked, body, kind = question(task, inputs)
    direct, served, times = list[Rate](), list[Rate](), list[float]()
    with service(model.dir) as (port, process):
        asyncio.run(load(port, body, kind, options.concurrency, 2.0))  # loads the model, and warms both
        directly(model, asked, 1.0)
        before = counts(port)
        for _ in range(options.rounds):
            direct.append(directly(model, asked, options.seconds))
            spent, began = processor(process), time.perf_counter()
            found = asyncio.run(load(port, body, kind, options.concurrency, options.seconds))
            answers, took = inputs * len(found), time.perf_counter() - began  # until the last of them was there
            served.append(Rate(answers / took, (processor(process) - spent) / answers))
            times += found
        after = counts(port)
    p50, p99 = np.percentile(1000 * np.array(times), [50, 99])
    together = (after[1] - before[1]) / max(1, after[0] - before[0])
    rates = (f"{statistics.median(each.answers for each in found):,.0f}" for found in (direct, served))
    costs = (f"{1000 * statistics.median(each.processor for each in found):.2f}" for found in (direct, served))
    share = ratio([s.answers / d.answers for s, d in zip(served, direct, strict=True)])
    by_processor = ratio([d.processor / s.processor for s, d in zip(served, direct, strict=True)])
    late = (f"{p50:.1f}", f"{p99:.1f}", f"{p99 / p50:.1f}")
    return common.row(task, inputs, *rates, share, *costs, by_processor, *late, f"{together:.1f}")


def ratio(found: list[float]) -> str:
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def directly(model: sd.Model, asked: object, seconds: float) -> Rate:
    """Answers in batches of the recipe, shaped as the service sends them."""
    batch = [asked] * model.task.recipe.batch
    done, began, spent = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        done += len(model(batch).to_dicts())
    return Rate(done / (time.perf_counter() - began), (time.process_time() - spent) / done)


def processor(pid: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def service(run: Path) -> Iterator[tuple[int, int]]:
    """A service of the run, in a process of its own; gives its port and the process."""
    command = [sys.executable, "-m", "sounding", "serve", str(run), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            found = next(match for line in process.stderr if (match := re.search(r"127\.0\.0\.1:(\d+)/", line)))
            port = int(found[1])
            while True:
                with contextlib.suppress(OSError):
                    counts(port)
                    break
            yield port, process.pid
        finally:
            process.terminate()


def counts(port: int) -> tuple[float, float]:
    """Batches and questions that were computed so far."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return float(values["sounding_batches_total"]), float(values["sounding_computed_total"])


async def load(port: int, body: bytes, kind: str, clients: int, seconds: float) -> list[float]:
    """The seconds of every answer that so many clients get within `seconds`."""
    head = f"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    request, until, times = head.encode() + body, time.perf_counter() + seconds, list[float]()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (began := time.perf_counter()) < until:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", answer.lower())[1]))
            times.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return times


if __name__ == "__main__":
    main()
