"""Reviews and the same reviews edited to say the opposite: is a text classifier right about both?

    SOUNDING_DATA=DIR python benchmarks/contrast_sets.py [--starts scratch all-MiniLM-L6-v2] [--seeds 0]
                                                         [--kinds original half both]

DIR/imdb_counterfactual holds train.parquet, validation.parquet and test.parquet with columns text, label, pair and kind
(original or revised): counterfactually augmented reviews (Kaushik, Hovy, Lipton, arXiv 1909.12434). Trains on the
originals; on both kinds of half of the pairs, which are as many rows; and on both kinds of all. Prints accuracy on the
original and the revised test rows, the share of pairs with both right (Wilson), the gap between original and revised
(paired bootstrap over pairs), and by how much it is lower than that of the training on originals. A run that is
there already is only read.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import common
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sounding.contract.evidence import Estimate
from sounding.evaluation.intervals import paired_difference, proportion

SET, SCRATCH = "imdb_counterfactual", "scratch"
ORIGINAL, HALF, BOTH = "original", "half", "both"
HEADS = ("start", "trained on", "rows", "seed", "machine", "precision", "training", "original", "revised")


def main() -> None:
    parser = common.options(__doc__, "runs-contrast-sets")
    parser.add_argument("--starts", nargs="+", default=[SCRATCH, "all-MiniLM-L6-v2"])
    parser.add_argument("--kinds", nargs="+", choices=[ORIGINAL, HALF, BOTH], default=[ORIGINAL, HALF, BOTH])
    options = common.parsed(parser, SET)
    print(common.heads(*HEADS, "both right", "gap", "lower than of originals by"))
    for start in options.starts:
        for seed in options.seeds:
            right = {kind: measured(options, start, kind, seed) for kind in options.kinds}
            for kind, (said, found) in right.items():
                first = right.get(ORIGINAL)
                lower = "" if first is None or kind == ORIGINAL else signed(mean_of(gap(first[1]) - gap(found)))
                print(common.row(*said, *shares(found), signed(mean_of(gap(found))), lower), flush=True)


def measured(options: Namespace, start: str, kind: str, seed: int) -> tuple[list[object], np.ndarray]:
    """What was trained, and [pairs, 2] whether the original and the revised text of each test pair are told rightly."""
    source, out = options.data / SET, common.place(options, start, kind, seed)
    folder = trained_on(source, options.out / f"data-{kind}", kind)
    given = {"seed": seed, **options.settings, **({} if start == SCRATCH else {"start": start})}
    model = common.trained("sentiment", folder, out, **given)
    sides = [sides_of(source / "test.parquet", word) for word in (ORIGINAL, "revised")]
    right = []
    for side in sides:
        answers = model(side["text"].to_pylist())
        right.append([a.value == str(label) for a, label in zip(answers, side["label"].to_pylist(), strict=True)])
    rows = pq.read_metadata(folder / "train.parquet").num_rows
    seconds = f"{common.spent(model)['seconds']:.0f} s"
    return [start, kind, rows, seed, *common.machine(model), seconds], np.array(right, float).T


def trained_on(source: Path, folder: Path, kind: str) -> Path:
    """A folder with the training, validation and test rows of a kind; the pairs of half are drawn by their number."""
    if (folder / "test.parquet").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "validation", "test"):
        table = pq.read_table(source / f"{split}.parquet")
        if kind == ORIGINAL:
            table = table.filter(pc.equal(table["kind"], ORIGINAL))
        elif kind == HALF and split == "train":
            pairs = pc.unique(table["pair"]).take(pa.array(np.arange(0, len(pc.unique(table["pair"])), 2)))
            table = table.filter(pc.is_in(table["pair"], value_set=pairs))
        pq.write_table(table.drop_columns(["kind"]), folder / f"{split}.parquet")
    return folder


def sides_of(file: Path, kind: str) -> pa.Table:
    """The rows of a kind, in the order of their pairs."""
    table = pq.read_table(file)
    return table.filter(pc.equal(table["kind"], kind)).sort_by("pair")


def gap(right: np.ndarray) -> np.ndarray:
    """[pairs]: by how much more rightly the original of a pair is told than the revised text."""
    return right[:, 0] - right[:, 1]


def shares(right: np.ndarray) -> list[Estimate]:
    """Accuracy on both kinds, and the share of pairs with both right."""
    return [proportion(side) for side in (*right.T, right.min(axis=1))]


def mean_of(differences: np.ndarray) -> Estimate:
    """The mean of differences of pairs."""
    return paired_difference(differences, np.zeros_like(differences), lambda rows: float(rows.mean()))


def signed(found: Estimate) -> str:
    """With its sign and interval."""
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


if __name__ == "__main__":
    main()
