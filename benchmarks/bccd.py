"""How well object detection learns BCCD (blood cells under the microscope) in a given time, from random weights.

    SOUNDING_DATA=DIR python benchmarks/bccd.py [--time 60m] [--seeds 0 1 2] [--out runs-bccd] [--set key=value …]

DIR/bccd holds train.parquet, validation.parquet and test.parquet with columns image and objects (docs/benchmarks.md
says where they come from). The cells lie in any direction, so pictures are also turned (upright=no), and cells of a
kind are of one size, so pictures are scaled less than by default. Prints one row of a markdown table for each seed:
what the machine is, how long it trained, mAP50 on the 72 test pictures with its interval, and each class by itself. A
run that is there already is only read, so an interrupted benchmark goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import sounding as sd
from sounding.engine.files import read_json
from sounding.engine.machine import prepare, processor
from sounding.engine.progress import watch

SETTINGS = {"upright": "no", "scale": "1.3"}
CLASSES = ("Platelets", "RBC", "WBC")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", default="60m")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--size", default="small")
    parser.add_argument("--out", type=Path, default=Path("runs-bccd"))
    parser.add_argument("--set", nargs="*", default=[], metavar="key=value")
    options = parser.parse_args()
    if "SOUNDING_DATA" not in os.environ:
        sys.exit("Set SOUNDING_DATA to the folder that holds bccd/train.parquet, validation.parquet and test.parquet.")
    prepare()
    print("| processor | precision | seed | training | steps | pictures/s | test mAP50 (n = 72) | mAP50-95 | of each |")
    print("|---|---|---|---|---|---|---|---|---|")
    settings = SETTINGS | dict(pair.split("=", 1) for pair in options.set)
    for seed in options.seeds:
        out = options.out / f"{options.size}-{options.time}-{seed}"
        print(row(trained(out, options, settings, seed), seed), flush=True)


def trained(out: Path, options: argparse.Namespace, settings: dict[str, str], seed: int) -> sd.Model:
    if (out / "training.json").exists():
        return sd.load(out)
    if (out / "config.json").exists():
        return sd.train("detect", resume=out, card=None, watch=watch(f"seed {seed}"))
    source = Path(os.environ["SOUNDING_DATA"]) / "bccd"
    named = {"time": options.time, "size": options.size, "seed": seed, "out": out, **settings}
    return sd.train("detect", source, **named, card=None, watch=watch(f"seed {seed}"))


def row(model: sd.Model, seed: int) -> str:
    setting, metrics = model.run.config["setting"], model.evaluate()
    spent = read_json(model.dir / "training.json")
    seconds, steps = spent["seconds"], spent["steps"]
    rate = spent["examples"] / seconds
    words = [
        f"{processor()[0]}, {setting['threads']} threads",
        f"{setting['precision']}{', channels last' if setting['channels_last'] else ''}",
        str(seed),
        f"{seconds / 60:.1f} min",
        f"{steps:,.0f}",
        f"{rate:,.1f}",
        str(metrics["mAP50"]),
        str(metrics["mAP50-95"]),
        ", ".join(f"{name} {metrics[f'AP50 {name}'].value:.3f}" for name in CLASSES),
    ]
    return f"| {' | '.join(words)} |"


if __name__ == "__main__":
    main()
