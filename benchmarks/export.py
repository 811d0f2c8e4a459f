"""Whether exported models answer as their runs do, how much faster, and what serving them takes.

    SOUNDING_DATA=DIR OMP_NUM_THREADS=2 python benchmarks/export.py [--time 60s] [--seeds 0] [--rounds 200]
        [--models classify sentiment segment faces generate translate summarize]

Two models, if no others are named: the classifier of the digits in the package, and one of DIR/sst2 (train.parquet,
validation.parquet and test.parquet with columns text and label); also a segmenter of DIR/camvid, a verifier of the
faces of DIR/lfwcrop, a generator of DIR/tiny_shakespeare, a translator of DIR/multi30k and a summarizer of
DIR/debian_synopsis. Each is exported as onnx and int8. Prints, of each: how many answers are the same, and the largest
change of a probability, on up to 500 test and validation rows (48 of texts that are written, at each of whose tokens
all next ones are compared); by how much its first metric on the test rows (100 of these) is worse, with its paired 95 %
interval; and how much faster one prediction is than eager fp32 PyTorch, reading and answering included, by the median
of the ratios of neighbouring calls. Then how long a service of all of them needs until it answers, and its memory.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import copy
import io
import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import common
import numpy as np
from lfwcrop import laid_out
from PIL import Image

import sounding as sd
from sounding.contract.writing import Writing
from sounding.evaluation import evaluation
from sounding.exports.exporting import Exported
from sounding.exports.side_by_side import AsExported, standing_in
from sounding.runs.prediction import predict

FORMATS = ("onnx", "int8")
DIGITS = Path(sd.__file__).parent / "samples" / "digits.parquet"
SOURCES = {"classify": DIGITS, "sentiment": Path("sst2"), "segment": Path("camvid"), "faces": Path("lfwcrop")}
SOURCES |= {"generate": Path("tiny_shakespeare"), "translate": Path("multi30k"), "summarize": Path("debian_synopsis")}
"""Where the rows of each lie, from DIR."""
HEADS = ("model", "format", "the same", "largest change of a probability", "quality lost", "eager ms", "exported ms")
WRITTEN = 100
"""Rows of texts that are written by which the quality is told."""


def main() -> None:
    parser = common.options(__doc__, "runs-export")
    parser.add_argument("--time", default="60s", help="of each training")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--models", nargs="+", choices=SOURCES, default=["classify", "sentiment"])
    options = common.parsed(parser)
    print(common.heads(*HEADS, "faster by"))
    folders = []
    for task in options.models:
        source = options.data / SOURCES[task]
        if task == "faces":
            source = laid_out(source, options.out / "faces")
        for seed in options.seeds:
            out = common.place(options, task, options.time, seed)
            model = common.trained(task, source, out, seed=seed, time=options.time, **options.settings)
            for format in FORMATS:
                made = sd.export(model, format, card=None)
                folders.append(made.model.dir)
                print(row(f"{task} {source.stem}", format, model, made, options), flush=True)
    print(served(folders))


def row(name: str, format: str, model: sd.Model, made: Exported, options: argparse.Namespace) -> str:
    eager, exported = timed(model, made.model, options.rounds)
    low, middle, high = np.quantile(eager / exported, [0.05, 0.5, 0.95])
    change = "" if made.parity.largest is None else f"{made.parity.largest:.1e}"
    times = (f"{1000 * np.median(seconds):.2f}" for seconds in (eager, exported))
    faster = f"{middle:.2f} times ({low:.2f} to {high:.2f})"
    same = f"{made.parity.rows - made.parity.different:,} of {made.parity.rows:,}"
    return common.row(name, format, same, change, lost(model, made.model), *times, faster)


def lost(model: sd.Model, exported: Any) -> str:
    """By how much the first metric of the exported model is worse than that of the run, paired on the test rows."""
    rows, metric = model.dataset().test, model.task.metrics[0]
    if isinstance(exported.processing.post, Writing):
        rows = rows[:WRITTEN]
    own = evaluation.evaluate_rows(model.task, model.module, rows)
    instead = standing_in(model.task, model.module, exported, rows[0])
    theirs = evaluation.evaluate_rows(AsExported(model.task, exported), instead, rows)
    found = evaluation.compare(model.task, own, theirs)[metric.name]
    low, high = (found.low, found.high) if metric.higher_is_better else (-found.high, -found.low)
    lost = found.value if metric.higher_is_better else -found.value
    return f"{100 * lost:.2f} [{100 * low:.2f}, {100 * high:.2f}] points of {metric.name}, {len(rows):,} rows"


def timed(model: sd.Model, exported: Any, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of each call [rounds], of the run in eager fp32 and of the exported model, in turns on the same rows."""
    eager, rows = copy.deepcopy(model.module).float().eval(), model.dataset().test
    spent = np.zeros((rounds + 10, 2))
    for i in range(len(spent)):
        value = rows[i % len(rows)].input
        began = time.perf_counter()
        list(predict(model.task, eager, [value]))
        between = time.perf_counter()
        exported([value])
        spent[i] = between - began, time.perf_counter() - between
    return spent[10:, 0], spent[10:, 1]


def served(folders: list[Path]) -> str:
    """How long a service of the folders needs until it answers, and its memory when it has loaded all of them."""
    command = [sys.executable, "-m", "sounding", "serve", *map(str, folders), "--port", "0"]
    began = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            found = next(match for line in process.stderr if (match := re.search(r"127\.0\.0\.1:(\d+)/", line)))
            address = f"http://127.0.0.1:{found[1]}"
            while True:
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"{address}/health").read()
                    break
            seconds, spent = time.perf_counter() - began, processor_seconds(process.pid)
            ask(address)
            return (
                f"\nserve with {len(folders)} exported models answers after {seconds:.1f} s "
                f"({spent:.2f} s of processor time); at most {peak_megabytes(process.pid):.0f} MB with all loaded"
            )
        finally:
            process.terminate()


def ask(address: str) -> None:
    """One question to each model, so that all are loaded."""
    for model in json.loads(urllib.request.urlopen(f"{address}/v1/models").read())["data"]:
        asked = "great" if model["input"]["written"] else dot()
        two = {"first": asked, "second": asked}
        body = json.dumps({"model": model["id"], "inputs": two if model["input"]["count"] == 2 else asked}).encode()
        request = urllib.request.Request(f"{address}/v1/predict", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request).read()


def dot() -> str:
    """A small picture in base64."""
    file = io.BytesIO()
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def peak_megabytes(process: int) -> float:
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[1]) / 1024


if __name__ == "__main__":
    main()
