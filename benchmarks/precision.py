"""Does the automatic choice of precision pick the faster one? On this processor, and on it limited to lesser ones.

    python benchmarks/precision.py [SECONDS]

oneDNN, which computes torch's layers on a CPU, can be limited to the instruction sets of lesser processors. Under each
limit a fresh process probes and chooses, then trains a small convolutional net in both precisions in turns, for SECONDS
each (default 4), and compares the speed of what was chosen with the better. The bar is 0.95. A limit is a simulation:
real processors of that kind differ in other ways. Limits above what this processor has are said to be not measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time

from sounding.machine import setting as machine

LIMITS = {
    "": "sse4_1",
    "AVX512_CORE_AMX": "amx_bf16",
    "AVX512_CORE_BF16": "avx512_bf16",
    "AVX512_CORE": "avx512f",
    "AVX2": "avx2",
    "SSE41": "sse4_1",
}
"""oneDNN limit → the flag without which the processor is below it anyway."""

BATCH, SIDE, BAR = 64, 32, 0.95


def main(seconds: float) -> None:
    name, flags = machine.processor()
    print(f"{name}, {machine.usable_threads()} threads, {seconds:g} s for each precision\n")
    print("| oneDNN limit | fp32 images/s | bf16 images/s | chosen | chosen / better | probe |")
    print("|---|---|---|---|---|---|")
    for limit, flag in LIMITS.items():
        shown = limit or "none"
        if flag not in flags:
            print(f"| {shown} | not measured: this processor has no {flag} | | | | |")
            continue
        row = child(limit, seconds)
        ratio = row[row["chosen"]] / max(row["fp32"], row["bf16"])
        verdict = "" if ratio >= BAR else f" (below {BAR})"
        speeds = f"{row['fp32']:.0f} | {row['bf16']:.0f} | {row['chosen']}"
        print(f"| {shown} | {speeds} | {ratio:.2f}{verdict} | {row['probe']:.2f} s |", flush=True)


def child(limit: str, seconds: float) -> dict:
    """One row, measured in a process of its own with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "XDG_CACHE_HOME": cache}
        environment.pop("DNNL_MAX_CPU_ISA", None)
        environment.pop("ONEDNN_MAX_CPU_ISA", None)
        environment |= {"ONEDNN_MAX_CPU_ISA": limit} if limit else {}
        command = [sys.executable, __file__, "--row", str(seconds)]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def row(seconds: float) -> dict:
    """Images a second in both precisions, what was chosen, and the seconds that choosing took."""
    machine.prepare()
    start = time.perf_counter()
    chosen = machine.choose()
    probe = time.perf_counter() - start
    works = {precision: trainer(machine.choose(precision)) for precision in ("fp32", "bf16")}
    return {**speeds(works, seconds), "chosen": chosen.precision, "probe": probe}


def speeds(works: dict, seconds: float) -> dict[str, float]:
    """Images a second of each work, from its median step, taking turns so that a noisy moment hits both alike."""
    steps: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    while any(sum(times) < seconds for times in steps.values()):
        for name, work in works.items():
            if sum(steps[name]) < seconds:
                start = time.perf_counter()
                work()
                steps[name].append(time.perf_counter() - start)
    return {name: BATCH / sorted(times)[len(times) // 2] for name, times in steps.items()}


def trainer(setting: machine.Setting):
    """A function that takes one training step of a small convolutional net under `setting`."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers, channels = [], 3
    for width in (32, 64, 128):
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        channels = width
    model = setting.place(nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * (SIDE // 8) ** 2, 10)))
    x, y = setting.place(torch.rand(BATCH, 3, SIDE, SIDE)), torch.randint(10, (BATCH,))
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def step() -> None:
        with setting.autocast():
            loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


if __name__ == "__main__":
    if sys.argv[1:2] == ["--row"]:
        print(json.dumps(row(float(sys.argv[2]))))
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 4.0)
