"""Makes src/sounding/samples/digits.parquet, the small real data set that `sounding demo` trains on.

    python benchmarks/make_digits.py [FILE]

Origin: the test part of Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak, UCI Machine Learning
Repository, 1998, CC BY 4.0), as scikit-learn ships it: 1,797 digits of 13 writers, 8 × 8 pixels of 0 to 16. Here each
is a grey PNG with its levels stretched to 0 to 255. The split is fixed and stratified by digit; copies of an image
stay together.
"""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from sklearn.datasets import load_digits

FILE = Path(__file__).parents[1] / "src/sounding/samples/digits.parquet"
SPLITS = ("train", "validation", "test")
SHARES = (0.64, 0.16)  # and the rest, 0.20


def png(levels: np.ndarray) -> bytes:
    """An 8 × 8 array of 0 to 16 as the bytes of a grey PNG of 0 to 255."""
    grey = np.rint(levels * (255 / 16)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def split(images: list[bytes], labels: np.ndarray) -> np.ndarray:
    """The split of each image: every digit is cut in the same shares, in the order of its hash, copies together."""
    found = np.empty(len(images), object)
    order = np.array([hashlib.sha256(image).hexdigest() for image in images])
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        rows = rows[np.argsort(order[rows], kind="stable")]
        ends = np.floor(np.cumsum(SHARES) * len(rows)).astype(int)  # what is left over goes to the test rows
        for name, start, end in zip(SPLITS, (0, *ends), (*ends, len(rows))):
            found[rows[start:end]] = name
    for image in {image for image in images if images.count(image) > 1}:  # copies, whatever their labels
        rows = [row for row, other in enumerate(images) if other == image]
        found[rows] = found[rows[0]]
    return found


def main(file: Path = FILE) -> None:
    digits = load_digits()
    images = [png(levels) for levels in digits.images]
    splits = split(images, digits.target)
    paths = [f"{row:04}.png" for row in range(len(images))]
    rows = [{"bytes": image, "path": path} for image, path in zip(images, paths)]
    table = pa.table(
        {
            "image": pa.array(rows, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            "label": [str(label) for label in digits.target],
            "split": list(splits),
        }
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file, compression="zstd")
    counts = {name: int((splits == name).sum()) for name in SPLITS}
    print(f"{file}: {len(images)} images, {file.stat().st_size / 1e3:.0f} kB, {counts}, {len(set(images))} distinct")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
