"""LFWcrop, View 1: a face verifier trained on the training people alone, tested on the 1,000 pairs of dev_test.

    SOUNDING_DATA=DIR python benchmarks/lfwcrop.py [--time 60m] [--size small] [--seeds 0] [--out runs-lfwcrop]

DIR holds lfwcrop/images.parquet and lfwcrop/pairs.csv. The pictures are laid out as `<person>/<name>.jpg` with a list
of pairs, as any user's would be, and `sounding train faces` does the rest: people of the test pairs are not trained on,
and a tenth of the others is held out to choose weights and thresholds (so the 2,200 pairs of dev_train, whose people
are training people, are not used). No outside data. Prints the metrics with intervals clustered by person.

LFW is of press photographs, published for research. Measure with it; ship no face of it, and do not take a model that
was trained on it for one that knows people in general.
"""

from __future__ import annotations

import csv
from pathlib import Path

import common
import pyarrow.parquet as pq

from sounding.training.progress import reporter

FILES = ("lfwcrop/images.parquet", "lfwcrop/pairs.csv")


def main() -> None:
    parser = common.options(__doc__, "runs-lfwcrop")
    parser.add_argument("--time", default="60m")
    parser.add_argument("--size", default="small")
    options = common.parsed(parser, *FILES)
    faces = laid_out(options.data / "lfwcrop", options.out / "faces")
    for seed in options.seeds:
        given = {"time": options.time, "size": options.size, "seed": seed, **options.settings}
        out, shown = common.place(options, options.size, options.time, seed), reporter(f"seed {seed}")
        for name, found in common.trained("faces", faces, out, reporter=shown, **given).evaluate().items():
            print(f"seed {seed}  {name:14} {found}", flush=True)


def laid_out(source: Path, folder: Path) -> Path:
    """The pictures as `<person>/<name>.jpg`, and the pairs of dev_test as `pairs.csv`."""
    listed = folder / "pairs.csv"
    if listed.exists():
        return folder
    for row in pq.read_table(source / "images.parquet", columns=["image", "name", "identity"]).to_pylist():
        place = folder / row["identity"]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{row['name']}.jpg").write_bytes(row["image"]["bytes"])
    with open(source / "pairs.csv", newline="") as file, open(listed, "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["name1", "name2", "same"])
        writer.writerows([r["name1"], r["name2"], r["same"]] for r in csv.DictReader(file) if r["split"] == "dev_test")
    return folder


if __name__ == "__main__":
    main()
