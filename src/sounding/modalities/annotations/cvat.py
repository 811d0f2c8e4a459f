"""CVAT's xml for images, version 1.1 (docs.cvat.ai, "CVAT for image"; datumaro writes the same).

Boxes, polygons, ellipses and masks are things; polylines, points, cuboids and skeletons are left out with a word, and
tags, which are of the whole picture, without. Later shapes lie on top, by their z_order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from sounding.contract.split_names import split_named
from sounding.errors import DataError
from sounding.modalities.annotations import outlines
from sounding.modalities.annotations.things import Labelled, Thing, ellipse, left_out, rectangle, turned

SUFFIX = ".xml"
OTHERS = ("polyline", "points", "cuboid", "skeleton")
_ROOT = re.compile(rb"<\s*annotations\b")


def read(file: Path) -> tuple[list[Labelled], list[str]] | None:
    """The pictures of a file and all names of classes in its order, or None for another kind of xml.

    Raises DataError for one that is broken, and for tracks through a video.
    """
    with open(file, "rb") as opened:
        if not _ROOT.search(opened.read(2000)):
            return None
    try:
        root = ElementTree.parse(file).getroot()
    except (ElementTree.ParseError, ValueError) as error:
        raise DataError(f"the xml is broken ({error})", where=file.name, fix="Export it again") from None
    images = root.findall("image")
    if not images and root.find("track") is not None:
        what = "the xml holds tracks through a video, not pictures"
        raise DataError(what, where=file.name, fix='Export the frames as "CVAT for images"')
    named = [(label.findtext("name") or "").strip() for label in root.iter("label")]
    return [_labelled(image) for image in images], [name for name in dict.fromkeys(named) if name]


def _labelled(image: ElementTree.Element) -> Labelled:
    name, split = image.get("name", ""), split_named(image.get("subset", ""))
    try:
        size = (int(image.attrib["width"]), int(image.attrib["height"]))
        shapes = sorted(_shapes(image, size), key=lambda pair: pair[0])
    except (KeyError, ValueError) as error:
        found = f"no {error.args[0]}" if isinstance(error, KeyError) else f"a number that is none ({error})"
        return Labelled(name, problem=f"a shape of the picture has {found}", split=split)
    note = left_out(shape.tag for shape in image if shape.tag in OTHERS)
    return Labelled(name, size, tuple(thing for _, thing in shapes), note, split=split)


def _shapes(image: ElementTree.Element, size: tuple[int, int]) -> Iterator[tuple[int, Thing]]:
    """The height at which each thing lies, and the thing."""
    for shape in image:
        if shape.tag in _KINDS:
            box, outline = _KINDS[shape.tag](shape.attrib, size)
            yield int(shape.get("z_order", 0)), Thing(shape.attrib["label"], box, outline)


def _box(said: Mapping[str, str], size: tuple[int, int]) -> tuple[Any, Any]:
    left, top, right, bottom = (float(said[side]) for side in ("xtl", "ytl", "xbr", "ybr"))
    if degrees := float(said.get("rotation", 0)):
        return None, [turned(rectangle(left, top, right, bottom), degrees)]
    return (left, top, right, bottom), None


def _polygon(said: Mapping[str, str], size: tuple[int, int]) -> tuple[Any, Any]:
    return None, [[float(number) for number in re.split("[,;]", said["points"])]]


def _ellipse(said: Mapping[str, str], size: tuple[int, int]) -> tuple[Any, Any]:
    x, y, across, down = (float(said[key]) for key in ("cx", "cy", "rx", "ry"))
    return None, [turned(ellipse(x, y, across, down), float(said.get("rotation", 0)))]


def _mask(said: Mapping[str, str], size: tuple[int, int]) -> tuple[Any, Any]:
    """Runs along the rows of a window of the picture."""
    left, top, width, height = (int(said[key]) for key in ("left", "top", "width", "height"))
    runs = [int(run) for run in said["rle"].split(",")]
    whole = np.zeros((size[1], size[0]), bool)
    whole[top : top + height, left : left + width] = outlines.unrolled(runs, (height, width))
    return None, outlines.rolled(whole)


_KINDS = {"box": _box, "polygon": _polygon, "ellipse": _ellipse, "mask": _mask}
