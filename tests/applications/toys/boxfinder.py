"""A toy detector: answers of several named boxes fit the contract, from the loss to average precision.

Legend of shapes: B batch, C channels, K kinds of shape, S cells along a side of the map of centres, M boxes judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from modalities import CELLS, Boxes, overlap
from torch import Tensor, nn
from torch.nn import functional as F

from sounding.architectures.layers import Normalize
from sounding.contract.change import Change
from sounding.contract.metrics import Metric, mean
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Task
from sounding.modalities.pictures.changes import Moved
from sounding.modalities.pictures.image import Image

SIDE, MOST = 24, 4  # pixels along a side of the demo's pictures; boxes that are looked for in one
COLOURS = {"leaf": (40, 200, 70), "ruby": (220, 40, 50)}


def matches(record: Record) -> list[tuple[float, bool]]:
    """(score, right?) for each predicted box, the surest first; each true box is found once, at IoU 0.5."""
    free, pairs = list(record.truth), []
    scores = [1.0] * len(record.value) if record.scores is None else record.scores.tolist()
    for score, box in sorted(zip(scores, record.value, strict=True), reverse=True):
        best = max(free, key=lambda truth: overlap(box, truth), default=None)
        pairs.append((score, best is not None and overlap(box, best) >= 0.5))
        if pairs[-1][1]:
            free.remove(best)
    return pairs


def judge(record: Record) -> np.ndarray:
    """[M, 3]: score (-1 where no box is), right?, and a one for each true box."""
    table = np.tile([-1.0, 0.0, 0.0], (MOST, 1))
    for row, pair in zip(table, matches(record), strict=False):
        row[:2] = pair
    table[: len(record.truth), 2] = 1
    return table


def average_precision(tables: np.ndarray) -> float:
    """Area under the precision-recall curve with precision made monotone, all points, from [n, M, 3]."""
    scores, right, truths = tables.reshape(-1, 3).T
    right = right[np.argsort(-scores, kind="stable")][: int((scores >= 0).sum())]
    precision = right.cumsum() / np.arange(1, len(right) + 1)
    return float((np.maximum.accumulate(precision[::-1])[::-1] * right).sum() / max(truths.sum(), 1))


def all_found(record: Record) -> float:
    """1 when every true box was found and nothing else was."""
    return float(len(record.value) == len(record.truth) and all(right for _, right in matches(record)))


@dataclass(frozen=True)
class BoxRecipe(Recipe):
    """The numbers of a training of `BoxFinder`."""

    batch: int = 16
    lr: float = 1e-2
    average: float = 0.95
    width: int = 32  # channels
    threshold: float = 0.5  # least probability of a centre that is reported
    spread: float = 0.2  # scale of the Laplace distribution of offsets and sizes: an L1 loss in nats


class BoxFinder(Task):
    """Find coloured shapes in a small picture: peaks of a map of centres, with a size at each (CenterNet's idea)."""

    Recipe = BoxRecipe
    recipe: BoxRecipe
    input: Image
    target: Boxes

    def modalities(self) -> tuple[Image, Boxes]:
        return Image(size=SIDE), Boxes()

    @property
    def metrics(self) -> Sequence[Metric]:
        area, share = "area under precision over recall at IoU 0.5", "share of pictures with no box missed or wrong"
        return (
            Metric("average precision", judge, average_precision, area, hit=matches),
            Metric("all found", all_found, mean, share, proportion=True, hit=matches),
        )

    def build(self) -> nn.Module:
        width, planes = self.recipe.width, len(self.target.names) + 4
        body = [nn.Conv2d(3, width, 3, 2, 1), nn.ReLU()]
        body += [layer for _ in range(3) for layer in (nn.Conv2d(width, width, 3, 1, 1), nn.ReLU())]
        head = nn.Conv2d(width, planes, 1)
        nn.init.constant_(head.get_parameter("bias")[:-4], -4.0)  # nearly every cell is empty: start by saying so
        return nn.Sequential(Normalize(self.input.mean, self.input.std), *body, head)

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        """Nats of where centres are (as divergence from the hills), and of offset and size at each centre."""
        planes, truth = model(x), y
        hills, tops = truth[:, :-4], truth[:, :-4].amax(1) == 1
        heat = F.binary_cross_entropy_with_logits(planes[:, :-4], hills, reduction="none")
        heat = (heat - F.binary_cross_entropy(hills, hills, reduction="none")).sum((1, 2, 3))
        shape = (planes[:, -4:] - truth[:, -4:]).abs().sum(1) / self.recipe.spread
        return heat + (shape * tops).sum((1, 2))

    @torch.no_grad()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        return [self._boxes(planes) for planes in model(self.input.encode(inputs))]

    def _boxes(self, planes: Tensor) -> Prediction:
        """The boxes of one picture, from planes [K + 4, S, S]; `scores` holds the confidence of each."""
        heat, shape = planes[:-4].sigmoid(), planes[-4:]
        scores, cells = (heat * (heat == F.max_pool2d(heat, 3, 1, 1))).flatten().topk(MOST)
        found, boxes = scores >= self.recipe.threshold, []
        for cell in cells[found].tolist():
            k, i, j = cell // CELLS**2, cell // CELLS % CELLS, cell % CELLS
            dx, dy, w, h = shape[:, i, j].tolist()
            boxes.append((j / CELLS + dx - w / 2, i / CELLS + dy - h / 2, w, h, self.target.names[k]))
        return Prediction(tuple(boxes), torch.where(found, scores, 1 - scores).prod().item(), scores[found].numpy())

    def augment(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Change]:
        """Half of the pictures are seen in the mirror."""
        affine = torch.eye(2, 3).repeat(len(x), 1, 1)
        affine[:, 0, 0] -= 2 * torch.randint(2, (len(x),), generator=rng)
        return torch.where(affine[:, :1, :1, None] > 0, x, x.flip(-1)), Moved(affine)

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Grey noise with one or two coloured rectangles that do not touch."""
        return [scene(rng) for _ in range(n)]


def scene(rng: np.random.Generator) -> Example:
    picture, boxes = rng.integers(60, 130, (SIDE, SIDE, 3)).astype(np.uint8), []
    for left in rng.permutation([0, SIDE // 2])[: rng.integers(1, 3)]:
        w, h = rng.integers(6, 11, 2)
        x, y = left + rng.integers(0, SIDE // 2 - w), rng.integers(0, SIDE - h)
        name = str(rng.choice(list(COLOURS)))
        picture[y : y + h, x : x + w] = COLOURS[name]
        boxes.append((float(x / SIDE), float(y / SIDE), float(w / SIDE), float(h / SIDE), name))
    return Example(picture, tuple(sorted(boxes)))
