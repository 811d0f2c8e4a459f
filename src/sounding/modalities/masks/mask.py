"""Masks: to which class each pixel of a picture belongs.

A value is an array [H, W], uint8: the class id of each pixel as the user's files number them, and 255 (`VOID`) where
nobody said. After `fit`, `ids[k]` is the id of class k and `names[k]` its name; for ids without gaps, 0 to K - 1, an id
is its own place in the list. `encode` gives places, `decode` turns places back into a value.

What a mask file may be is in `class_ids.py`, how files lie in folders in `layouts.py`, polygons of COCO in
`coco.py`, pictures of masks in `drawing.py`.

Legend of shapes: B batch, K classes, H height, W width of a mask, h, w of the encoded batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sounding.contract.answers import (
    UNLABELLED,
    Answer,
    Averaged,
    Composite,
    Overlaid,
    Placed,
    Saved,
    Tabular,
    Transformed,
)
from sounding.contract.change import Change, refusal
from sounding.contract.layouts import WithLegend
from sounding.contract.modality import Row
from sounding.contract.tensors import is_tensor
from sounding.drawing.rendering import Marks
from sounding.errors import DataError, UsageError
from sounding.modalities.masks import class_ids, coco, components, drawing, layouts
from sounding.modalities.masks.class_ids import FULL, VOID
from sounding.modalities.masks.moving import nearest, padded, sampled
from sounding.modalities.pictures.changes import Moved
from sounding.modalities.pictures.image_files import within
from sounding.wording import percent

if TYPE_CHECKING:
    from torch import Tensor

BACKGROUND = ("background", "bg")
"""What people call the class of pixels in which there is no thing."""
PEEKED = 64
"""Masks of a source that are looked at to see whether all are black and white (0 and 255)."""
_STATE = ("ignore", "padded", "ids", "names", "shares", "unlabelled")


class Mask(Answer, Averaged, Transformed, Composite, Placed, Overlaid, Tabular, Saved, WithLegend):
    """A class for each pixel.

    `ignore` says which ids mean "not labelled": "auto" (255, unless the masks hold only 0 and 255), "none" (every id is
    a class), or numbers besides ("11", "0,11").

    With `padded`, the pictures of a batch are their own size but at most `padded` pixels a side, and filled up below
    and to the right to the largest (`Image` with fill "own"), and masks follow an augmentation so; else (0) each mask
    covers its whole picture, whatever its size.

    After `fit`: `ids` [K], `names` [K], and `shares` [K], the share of the labelled training pixels in each class;
    `unlabelled` is the share of all training pixels that are not labelled.
    """

    unit = "pixels"
    columns = (
        *("mask", "masks", "label", "labels", "segmentation", "annotation", "seg_map"),
        *("mask_path", "mask_file", "mask_file_name", "label_file_name", "annotation_file_name"),
    )
    suffixes = (".png", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".webp")
    row_columns = ("label", "id", "pixels", "share", "score")
    files = "masks"

    def __init__(self, ignore: str = "auto", padded: int = 0) -> None:
        _asked(ignore)
        self.ignore, self.padded = ignore, padded
        self.scheme = class_ids.Scheme()
        self.ids: list[int] = []
        self.names: list[str] = []
        self.shares: list[float] = []
        self.unlabelled = 0.0

    # ---- reading

    def accepts(self, cell: Any) -> bool:
        """Whether a cell holds or names a picture file, or is an array of whole numbers [H, W]."""
        return class_ids.looks_like_mask(cell, self.suffixes)

    def read(self, cell: Any, root: Path = Path()) -> np.ndarray:
        """The mask of a path (from `root`), {"bytes", "path"}, file bytes, a Pillow image, an array, or polygons.

        Raises DataError for what cannot be used (see `class_ids.of_cell`), and after `fit` for an unknown class.
        """
        value = class_ids.of_cell(cell, root, self.scheme)
        void = self._void()
        value = np.where(void[value], np.uint8(VOID), value) if void[value].any() else value
        if self.ids:
            self._places(value)
        return value

    def learn_legend(self, rows: Sequence[Row], folder: Path) -> None:
        """Learn what ids and colours mean: from a COCO file, or from lists of names and colour maps in the folder.

        And whether the masks are black and white, from a few of them.
        """
        if not len(rows):
            return
        few = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, PEEKED).astype(int)).tolist()]
        names = coco.names(few[0].target)
        self.scheme = class_ids.Scheme(names) if names else layouts.scheme(folder)
        if class_ids.black_and_white((row.target, row.root) for row in few):
            self.scheme = self.scheme.as_black_and_white()
        elif self.ignore == "none":
            self.scheme = self.scheme.as_full()

    def placed(self, value: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
        """The mask, which must be as large as its picture: raises DataError where it is not."""
        height, width = value.shape
        if (width, height) != tuple(image_size):
            what = f"the mask is {width}×{height} pixels, its picture {image_size[0]}×{image_size[1]}"
            raise DataError(what, fix="Save both at one size (the mask without smoothing), or remove the row")
        return value

    def resized(self, value: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
        """An answer, which a model may have given on a smaller picture, by nearest neighbour."""
        return nearest(value, (image_size[1], image_size[0]))

    def remark(self, value: np.ndarray) -> str:
        """That a mask says nothing, or the same all over."""
        kinds = np.unique(value)
        labelled = kinds[~self._void()[kinds]]
        if not len(labelled):
            return "no pixel of the mask is labelled"
        return f"the whole mask is {self.name(int(labelled[0]))!r}" if len(kinds) == 1 else ""

    # ---- state

    def fit(self, values: Iterable[np.ndarray]) -> None:
        """Learn which ids occur, and how often. Raises DataError where fewer than two classes do."""
        counts = np.zeros(256, np.int64)
        for value in values:
            counts += np.bincount(np.asarray(value).ravel(), minlength=256)
        self.unlabelled = float(counts[self._void()].sum() / max(1, counts.sum()))
        counts[self._void()] = 0
        ids = np.flatnonzero(counts).tolist()
        word = f"({VOID} means not labelled; ignore=none makes it a class)"
        if not ids:
            raise DataError("no pixel of the training masks is labelled", fix=f"Label some {word}")
        if len(ids) == 1:
            what = f"every labelled pixel of the training masks is {self.name(ids[0])!r}"
            raise DataError(what, fix=f"Add masks with another class {word}")
        self.ids, self.names = ids, [self.name(i) for i in ids]
        self.shares = (counts[ids] / counts.sum()).tolist()

    def name(self, id: int) -> str:
        """What the class with this id is called: as the data name it, else its number."""
        return self.scheme.names.get(id, str(id))

    @property
    def background(self) -> int | None:
        """After `fit`: the id of the class that stands for no thing; None where every class is one.

        It is the one so called. Where the data do not name their classes it is 0, as is usual, if there is one other
        class or most pixels are 0.
        """
        for i, name in zip(self.ids, self.names, strict=True):
            if name.strip(" _").casefold() in BACKGROUND:
                return i
        if not self.ids or self.ids[0] != 0 or self.names[0] != "0":
            return None
        return 0 if len(self.ids) == 2 or self.shares[0] == max(self.shares) else None

    def notes(self) -> list[str]:
        """What was decided about the classes, to be said aloud."""
        said = []
        if named := self._void_by_name():
            names = ", ".join(repr(self.name(i)) for i in named)
            said.append(f"pixels of {names} count as not labelled, because of the name")
        if asked := sorted(_asked(self.ignore)):
            said.append(f"pixels of {', '.join(map(self._called, asked))} count as not labelled, as asked")
        if self.unlabelled:
            share = f"{100 * self.unlabelled:.1f} %" if self.unlabelled >= 0.0005 else "less than 0.1 %"
            word = "" if self.ignore == "none" else f" (such as {VOID}; ignore=none makes a class of every id)"
            said.append(f"{share} of the pixels of the training masks count as not labelled{word}")
        if self.scheme.white:
            said.append("the masks hold only 0 and 255, so 255 is a class here")
        return said

    def state(self) -> dict[str, Any]:
        """The classes, their shares, and how files are understood."""
        return {**{name: getattr(self, name) for name in _STATE}, "scheme": self.scheme.to_json()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.scheme = class_ids.Scheme.from_json(state["scheme"])
        for name in _STATE:
            setattr(self, name, state.get(name, getattr(self, name)))

    # ---- tensors

    def encode(self, values: Sequence[np.ndarray], shape: tuple[int, int] | None = None) -> Tensor:
        """Int64 [B, h, w]: the place of each pixel's class in `ids`, and 255 where it is not labelled.

        The masks keep their pixels: they are padded with 255, or cut, below and to the right, to `shape` (height,
        width), or to the largest of them. Masks of pictures that were scaled have to be scaled first (`nearest`).
        Raises DataError for an id that no training mask has.
        """
        import torch

        h, w = shape or np.max([np.asarray(v).shape for v in values], axis=0, initial=0).tolist() or (0, 0)
        out = np.full((len(values), h, w), VOID, np.uint8)
        for plane, value in zip(out, values, strict=True):
            places = self._places(value)[:h, :w]
            plane[: places.shape[0], : places.shape[1]] = places
        return torch.from_numpy(out).long()

    def decode(self, places: Tensor | np.ndarray) -> np.ndarray:
        """The value [H, W] (or values [B, H, W]) of places in `ids`, such as the argmax over K planes of scores."""
        table = np.full(256, VOID, np.uint8)
        table[: len(self.ids)] = self.ids
        return table[places.cpu().numpy() if is_tensor(places) else np.asarray(places)]

    def transform_targets(self, values: Sequence[np.ndarray], change: Change) -> list[np.ndarray]:
        """The masks sampled where the pictures were, by nearest neighbour; 255 outside. Masks cannot be mixed."""
        if not isinstance(change, Moved):
            raise refusal(self, change)
        if self.padded:
            values = [nearest(value, within(value.shape, self.padded)) for value in values]
            tall, wide = np.max([value.shape for value in values], axis=0)
            values = [padded(value, tall, wide) for value in values]
        return [sampled(value, affine, change.shape) for value, affine in zip(values, change.affine, strict=True)]

    def constant_baseline(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """The most common class all over a mask of the most common size."""
        counts, sizes = np.zeros(256, np.int64), Counter[tuple[int, ...]]()
        for value in values:
            counts += np.bincount(value.ravel(), minlength=256)
            sizes[value.shape] += 1
        counts[self._void()] = 0
        return np.full(sizes.most_common(1)[0][0], counts.argmax(), np.uint8)

    # ---- showing

    def describe(self, value: np.ndarray) -> str:
        """The largest classes by area: "62 % road, 20 % sky, 3 more"."""
        areas = self._areas(value)
        if not areas:
            return "nothing labelled"
        said = [percent(share) + f" {self.name(i)}" for i, share in areas[:2]]
        return ", ".join([*said, *([f"{len(areas) - 2} more"] if len(areas) > 2 else [])])

    def answers(self, value: np.ndarray, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """[{"label", "score", "mask"}], the largest area first; a mask is a PNG in base64, white where the class is.

        `scores` [H, W] are the confidence in each pixel's class (in 0..1, or uint8 in 0..255); the score of a class is
        its mean over the class, or None without them.
        """
        sure = self._sure(value, scores)
        found = []
        for i, _ in self._areas(value):
            score = None if sure is None else float(sure[value == i].mean())
            found.append({"label": self.name(i), "score": score, "mask": drawing.base64_png(value == i)})
        return found

    def rows(self, value: np.ndarray, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """A row for each class that is in the mask, the largest area first; its score as in `answers`."""
        sure, found = self._sure(value, scores), []
        for i, share in self._areas(value):
            inside = value == i
            score = None if sure is None else round(float(sure[inside].mean()), 4)
            areas = {"pixels": int(inside.sum()), "share": round(share, 6)}
            found.append({"label": self.name(i), "id": i, **areas, "score": score})
        return found

    def fields(self, value: np.ndarray, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """`mask`, the class ids [H, W]; `masks`, name → pixels of the class (bool [H, W]); `sure`, their confidence.

        And `instances`, the connected components of the classes (see `components.Component`), the largest first.
        """
        return {
            "mask": lambda: value,
            "masks": lambda: {self.name(i): value == i for i, _ in self._shares(value)},
            "sure": lambda: self._sure(value, scores),
            "instances": lambda: components.instances(value),
        }

    def marks(self, value: np.ndarray) -> Marks:
        """The classes in colour over the picture, but for the background, and a legend."""
        return drawing.mask_marks(value, self._by_id(), self.background)

    def save(self, value: np.ndarray, path: Path) -> Path:
        """The mask as a palette PNG, whose numbers are the class ids."""
        path = path.with_name(f"{path.name}.png")
        names = self._by_id()
        if self.scheme.full:
            value = np.where(value == FULL, np.uint8(VOID), value)
            names[VOID] = names.pop(FULL)
        drawing.png(value, path, names)
        return path

    def amounts(self, value: np.ndarray) -> Mapping[str, int]:
        """The pixels of each class, and those that nobody labelled."""
        counts, void = np.bincount(value.ravel(), minlength=256), self._void()
        found = {self.name(i): int(counts[i]) for i in np.flatnonzero(counts * ~void).tolist()}
        return {**found, UNLABELLED: int(counts[void].sum())} if counts[void].any() else found

    def unseen_class(self, value: np.ndarray) -> str:
        """Which class of a mask no training mask has, or nothing."""
        unknown = [self.name(i) for i, _ in self._shares(value) if i not in self.ids]
        return f"no training mask has the class {' or '.join(map(repr, unknown))}" if unknown else ""

    def to_json(self, value: np.ndarray) -> list[list[Any]]:
        """The share of each class that is in the mask, by id; never its pixels."""
        return [[self.name(i), round(share, 4)] for i, share in self._shares(value)]

    def _sure(self, value: np.ndarray, scores: np.ndarray | None) -> np.ndarray | None:
        """The confidence in each pixel [H, W], where `scores` tell it, on the mask's own grid."""
        return None if scores is None else class_ids.unit(nearest(np.asarray(scores), value.shape))

    def _by_id(self) -> dict[int, str]:
        return {**dict(zip(self.ids, self.names, strict=True)), **self.scheme.names}

    def _areas(self, value: np.ndarray) -> list[tuple[int, float]]:
        """Id and share of the labelled pixels, the largest first."""
        return sorted(self._shares(value), key=lambda pair: -pair[1])

    def _shares(self, value: np.ndarray) -> list[tuple[int, float]]:
        counts = np.bincount(value.ravel(), minlength=256)
        counts[self._void()] = 0
        return [(i, float(counts[i] / counts.sum())) for i in np.flatnonzero(counts).tolist()]

    def _void(self) -> np.ndarray:
        """Which of the 256 ids are no class."""
        void = np.zeros(256, bool)
        void[[VOID, *self._void_by_name(), *_asked(self.ignore)]] = True
        return void

    def _void_by_name(self) -> list[int]:
        return [] if self.ignore == "none" else self.scheme.void

    def _called(self, id: int) -> str:
        return f"class {id} ({self.name(id)})" if id in self.scheme.names else f"class {id}"

    def _places(self, value: np.ndarray) -> np.ndarray:
        """The place of each pixel's class. Raises DataError for an id that is not in the list."""
        table = np.full(256, -1, np.int16)
        table[self._void()] = VOID
        table[self.ids] = np.arange(len(self.ids))
        places = table[value]
        if places.min(initial=0) < 0:
            unknown = int(np.asarray(value)[places < 0][0])
            known = f"the classes are {', '.join(self.names[:12])}{', …' * (len(self.names) > 12)}"
            what = f"class {self.name(unknown)!r} is in no training mask; {known}"
            raise DataError(what, fix=f"Correct it, or write {VOID} where a pixel has none of them")
        return places.astype(np.uint8)


def _asked(ignore: str) -> frozenset[int]:
    """The ids that a word names. Raises UsageError for a word that says nothing."""
    if str(ignore) in ("auto", "none", "-1"):  # -1 is how older runs say auto
        return frozenset()
    words = [word.strip() for word in str(ignore).split(",")]
    if not all(word.isdecimal() and int(word) <= VOID for word in words):
        fix = f"Give auto, none, or class ids from 0 to {VOID}, such as 11 or 0,11"
        raise UsageError(f"ignore={ignore} names no class ids", fix=fix)
    return frozenset(map(int, words))
