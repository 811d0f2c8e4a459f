"""What weights learnt on ImageNet are worth where labels are few: each application at 5, 10, 20 and 100 % of its rows.

    SOUNDING_DATA=DIR python benchmarks/pretrained.py WEIGHTS [--tasks classify detect segment faces]
                      [--shares 0.05 0.1 0.2 1] [--steps 300] [--seeds 0] [--out runs-pretrained] [--set key=value …]

WEIGHTS is a file that `--from` takes, such as torchvision's MobileNetV2. For each share, nested training rows are drawn
(pictures; people for faces), and one `sounding train --from WEIGHTS --control` trains the same network twice for the
same number of steps, from the weights and from random ones. Validation and test rows are all used, at every share.
Prints the headline metric on the test rows with and without, and the paired difference. A run that is there already is
only read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import common
import lfwcrop
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import sounding as sd
from sounding.challenges.labels.curves import nested_order
from sounding.challenges.labels.helping import help_of
from sounding.files import read_json
from sounding.randomness import stream


@dataclass(frozen=True)
class Case:
    """A data set, and what is set for it beyond the defaults."""

    data: str
    settings: dict[str, object] = field(default_factory=dict)


CASES = {
    "classify": Case("cifar10", {"network": "mobilenet_v2"}),
    "detect": Case("bccd", {"upright": False, "scale": 1.3}),
    "segment": Case("camvid", {"ignore": 11, "batch": 4}),
    "faces": Case("lfwcrop", {"image_size": 32, "batch": 64, "margin": 0.2, "margin_steps": 100, "scale": 24}),
}


HEADS = ("application", "data", "seed", "share", "training rows", "steps", "metric")


def main() -> None:
    parser = common.options(__doc__, "runs-pretrained")
    parser.add_argument("weights", type=Path)
    parser.add_argument("--tasks", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--shares", type=float, nargs="+", default=[0.05, 0.1, 0.2, 1.0])
    parser.add_argument("--steps", type=int, default=300)
    options = common.parsed(parser, *(case.data for case in CASES.values()))
    print(common.heads(*HEADS, "random weights", "ImageNet weights", "paired difference"))
    for task in options.tasks:
        for seed in options.seeds:
            for share in options.shares:
                folder = drawn(task, options.data, share, seed, options.out / f"data-{task}-{share}-{seed}")
                given = {"start": options.weights, "control": True, "steps": options.steps, "seed": seed}
                settings = {"validations": 4, **CASES[task].settings, **options.settings}
                out = common.place(options, task, share, options.steps, seed)
                print(row(common.trained(task, folder, out, **given, **settings), task, share, seed), flush=True)


def drawn(task: str, data: Path, share: float, seed: int, folder: Path) -> Path:
    """A folder with a share of the training rows, and all the others."""
    source = data / CASES[task].data
    if (folder / "drawn").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    if task == "faces":
        people(source, share, seed, folder)
    else:
        table = pq.read_table(source / "train.parquet")
        labels = table["label"].to_pylist() if "label" in table.column_names else len(table)
        order = nested_order(labels, stream("pretrained", seed))
        kept = np.sort(order[: max(1, round(share * len(table)))])
        pq.write_table(table.take(pa.array(kept)), folder / "train.parquet")
        for other in ("validation.parquet", "test.parquet"):
            if (source / other).exists():
                (folder / other).symlink_to((source / other).resolve())
    (folder / "drawn").touch()
    return folder


def people(source: Path, share: float, seed: int, folder: Path) -> None:
    """The pictures of all people of the test pairs, and of a share of the others."""
    whole = lfwcrop.laid_out(source, folder.parent / "faces")
    pairs = (whole / "pairs.csv").read_text()
    (folder / "pairs.csv").write_text(pairs)
    asked = {name.rsplit("_", 1)[0] for line in pairs.splitlines()[1:] for name in line.split(",")[:2]}
    names = sorted(place.name for place in whole.iterdir() if place.is_dir())
    others = [name for name in names if name not in asked]
    order = nested_order(len(others), stream("pretrained", seed))
    for name in [*asked, *(others[i] for i in order[: round(share * len(others))])]:
        (folder / name).symlink_to((whole / name).resolve())


def row(model: sd.Model, task: str, share: float, seed: int) -> str:
    """Both models on the test rows, whichever of them was kept."""
    context = model.context()
    found = help_of(context)
    assert found is not None
    alone, gain = (number.estimate for number in found.numbers)
    rows = read_json(model.dir / "data.json")["splits"]["train"]
    words = (task, CASES[task].data, seed, f"{share:.0%}", rows, common.spent(model)["steps"])
    return common.row(*words, context.task.metrics[0].name, alone, f"{alone.value + gain.value:.3f}", gain)


if __name__ == "__main__":
    main()
