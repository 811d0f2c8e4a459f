"""How well segmentation learns the street scenes of CamVid in a given time, from scratch, at 480×360.

    SOUNDING_DATA=DIR python benchmarks/camvid.py [--time 60m] [--seeds 0] [--size small] [--set k=v …] [--out DIR]

DIR/camvid holds train.parquet, validation.parquet and test.parquet with columns image and mask (docs/benchmarks.md says
where they come from). Class 11 is void and ignored; the score is the mean IoU over the 11 classes, from one confusion
matrix over all 233 test pictures. Prints one row of a markdown table for each seed, then the IoU of each class. A run
that is there already is only read, and an interrupted one goes on where it was.
"""

from __future__ import annotations

import common

import sounding as sd
from sounding.training.progress import reporter

CLASSES = ["sky", "building", "pole", "road", "pavement", "tree", "sign_symbol", "fence", "car"]
CLASSES += ["pedestrian", "bicyclist"]
FILES = ("camvid/train.parquet", "camvid/validation.parquet", "camvid/test.parquet")
HEADS = ("processor", "precision", "size", "seed", "training", "steps")


def main() -> None:
    parser = common.options(__doc__, "runs-camvid")
    parser.add_argument("--time", default="60m")
    parser.add_argument("--size", default="small")
    options = common.parsed(parser, *FILES)
    print(common.heads(*HEADS, "test mIoU (n = 233)", "pixel accuracy", "boundary F"))
    for seed in options.seeds:
        given = {"time": options.time, "size": options.size, "seed": seed, "ignore": 11, **options.settings}
        out, shown = common.place(options, options.size, options.time, seed), reporter(f"seed {seed}")
        model = common.trained("segment", options.data / "camvid", out, reporter=shown, **given)
        print(f"{row(model, options.size, seed)}\n\n{classes(model)}\n", flush=True)


def row(model: sd.Model, size: str, seed: int) -> str:
    spent, metrics = common.spent(model), model.evaluate()
    return common.row(
        *common.machine(model),
        size,
        seed,
        f"{spent['seconds'] / 60:.1f} min",
        f"{spent['steps']:,}",
        *(metrics[name] for name in ("mIoU", "pixel accuracy", "boundary F")),
    )


def classes(model: sd.Model) -> str:
    """The IoU of each class in words; the masks number the classes and do not name them."""
    metrics = model.evaluate()
    return ", ".join(f"{name} {metrics[f'IoU {i}'].value:.3f}" for i, name in enumerate(CLASSES))


if __name__ == "__main__":
    main()
