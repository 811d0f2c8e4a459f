"""How well segmentation learns the street scenes of CamVid in a given time, from scratch, at 480×360.

    SOUNDING_DATA=DIR python benchmarks/camvid.py [--time 60m] [--seeds 0] [--size small] [--set k=v …] [--out DIR]

DIR/camvid holds train.parquet, validation.parquet and test.parquet with columns image and mask (docs/benchmarks.md says
where they come from). Class 11 is void and ignored; the score is the mean IoU over the 11 classes, from one confusion
matrix over all 233 test pictures. Prints one row of a markdown table for each seed, then the IoU of each class and how
long one answer to a picture of 640×480 pixels takes. A run that is there already is only read, and an interrupted one
goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

import sounding as sd
from sounding.engine.files import read_json
from sounding.engine.machine import prepare, processor
from sounding.engine.progress import watch

CLASSES = ["sky", "building", "pole", "road", "pavement", "tree", "sign_symbol", "fence", "car"]
CLASSES += ["pedestrian", "bicyclist"]
FILES = "camvid/train.parquet, validation.parquet and test.parquet"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", default="60m")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--size", default="small")
    parser.add_argument("--set", nargs="*", default=[], metavar="K=V", dest="settings")
    parser.add_argument("--out", type=Path, default=Path("runs-camvid"))
    options = parser.parse_args()
    if "SOUNDING_DATA" not in os.environ:
        sys.exit(f"Set SOUNDING_DATA to the folder that holds {FILES}.")
    prepare()
    settings = dict(pair.split("=", 1) for pair in options.settings)
    words = "-".join([options.size, options.time, *options.settings]).replace("/", "_")
    print(
        "| processor | precision | size | seed | training | steps | test mIoU (n = 233) | pixel accuracy | boundary F |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for seed in options.seeds:
        model = trained(options.out / f"{words}-{seed}", options.time, options.size, seed, settings)
        print(row(model, options.size, seed), flush=True)
        print(f"\n{classes(model)}\n\none answer at 640×480: {milliseconds(model):.0f} ms\n", flush=True)


def trained(out: Path, time: str, size: str, seed: int, settings: dict[str, str]) -> sd.Model:
    if (out / "training.json").exists():
        return sd.load(out)
    if (out / "config.json").exists():
        return sd.train("segment", resume=out, card=None, watch=watch(f"seed {seed}"))
    source = Path(os.environ["SOUNDING_DATA"]) / "camvid"
    given = {"ignore": 11, **settings, "card": None, "watch": watch(f"seed {seed}")}
    return sd.train("segment", source, time=time, size=size, seed=seed, out=out, **given)


def row(model: sd.Model, size: str, seed: int) -> str:
    setting, metrics = model.run.config["setting"], model.evaluate()
    spent = read_json(model.dir / "training.json")
    words = [
        f"{processor()[0]}, {setting['threads']} threads",
        f"{setting['precision']}{', channels last' if setting['channels_last'] else ''}",
        size,
        str(seed),
        f"{spent['seconds'] / 60:.1f} min",
        f"{spent['steps']:,}",
        *(str(metrics[name]) for name in ("mIoU", "pixel accuracy", "boundary F")),
    ]
    return f"| {' | '.join(words)} |"


def classes(model: sd.Model) -> str:
    """The IoU of each class in words; the masks number the classes and do not name them."""
    metrics = model.evaluate()
    return ", ".join(f"{name} {metrics[f'IoU {i}'].value:.3f}" for i, name in enumerate(CLASSES))


def milliseconds(model: sd.Model, rounds: int = 20) -> float:
    """Median time of one answer to one picture of 640×480 pixels, reading and encoding included."""
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    spent = []
    for _ in range(rounds):
        began = time.perf_counter()
        model(picture)
        spent.append(time.perf_counter() - began)
    return 1000 * median(spent[rounds // 4 :])


if __name__ == "__main__":
    main()
