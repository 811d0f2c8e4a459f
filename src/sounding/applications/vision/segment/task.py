"""Image segmentation: to which class each pixel of a picture belongs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from sounding.applications.vision.segment.figures import by_class, segmentation_figures
from sounding.applications.vision.segment.metrics import (
    boundary_f,
    class_iou,
    mean_iou,
    mean_precision,
    mean_recall,
    pixel_accuracy,
)
from sounding.applications.vision.segment.pixels import Labels, balanced, cross_entropy, dice, fitted
from sounding.applications.vision.segment.tiling import tiled
from sounding.architectures.backbones import backbone
from sounding.architectures.layers import Normalize
from sounding.architectures.unet import UNet
from sounding.contract.change import Change
from sounding.contract.evidence import Figure
from sounding.contract.metrics import Metric
from sounding.contract.modality import Row
from sounding.contract.options import Options
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example, Prediction, Record, chunks, grouped
from sounding.contract.task import Task
from sounding.errors import UsageError
from sounding.modalities.masks import coco
from sounding.modalities.masks.layouts import MASK_LAYOUTS
from sounding.modalities.masks.mask import Mask
from sounding.modalities.masks.moving import nearest
from sounding.modalities.pictures.augmentation import jitter, mirrors, warp
from sounding.modalities.pictures.changes import Moved
from sounding.modalities.pictures.image import LONGEST, Image
from sounding.modalities.pictures.image_files import within
from sounding.postprocessing.pixels import PixelClasses

PIXELS = 2**20
"""Pixels of pictures that are looked at together."""
SEEN = 50
"""Rows that are looked at to see what is drawn in them."""


@dataclass(frozen=True)
class SegmentRecipe(Recipe):
    """The numbers of a segmenter."""

    sizes: ClassVar = {
        "tiny": {"width": 16, "decoder": 32, "finest": 4, "detail": 16, "lr": 5e-3},
        "small": {},
        "base": {"width": 64, "depth": 2, "decoder": 96, "finest": 4, "lr": 2e-3, "crop": 320},
    }

    shaping: ClassVar = ("backbone", "width", "depth", "decoder", "detail", "finest", "activation")

    epochs: float = 60.0
    batch: int = 4
    lr: float = 3e-3
    weight_decay: float = 0.05
    average: float = 0.998
    backbone: str = "resnet"  # resnet, mobilenet_v2 or efficientnet_lite0
    width: int = 32  # channels of the resnet's first stage
    depth: int = 1  # blocks in a stage of the resnet
    decoder: int = 64  # most channels on the way back up
    finest: int = 2  # pixels between places on the resnet's finest map, 2 or 4; always 1 for pictures up to 64 pixels
    detail: int = 24  # channels at half of the resolution, where the backbone's finest map is coarser
    activation: str = "relu"
    image_size: int = 0  # longer side above which pictures are scaled down; 0 is 1024
    ignore: str = (
        "auto"  # ids that mean "not labelled": auto (255, unless all is 0 or 255), none, or more ids: 11 or 0,11
    )
    crop: int = 256  # side of the window that a training step sees of each picture
    zoom: float = 1.6  # training pictures are scaled by a factor between 1 / zoom and zoom
    flip: str = "auto"  # mirror training pictures: yes, no, or auto: if they have colours
    colour: float = 0.3  # largest relative change of brightness, contrast and saturation
    balance: float = 1.02  # weight of a class: 1 / ln(balance + its share of the pixels); 0 weighs all alike
    dice: float = 0.5  # weight of the Dice loss beside the cross-entropy


@dataclass(frozen=True)
class SegmentOptions(Options):
    """How a segmenter answers."""

    modest: ClassVar = {"tile": (256, 2048), "overlap": (0, 0.5)}

    tile: int = 1024  # side above which a picture is looked at in windows of this side; 0 never
    overlap: float = 0.25  # share of its side that a window has in common with the next
    flip_average: str = "auto"  # with the mean over a picture and its mirror image: yes, no, or auto, for size base


class Segment(Task):
    """Image segmentation: to which class each pixel of a picture belongs."""

    Recipe = SegmentRecipe
    Options = SegmentOptions
    pipeline = "image-segmentation"
    layouts = MASK_LAYOUTS
    recipe: SegmentRecipe
    options: SegmentOptions
    input: Image
    target: Mask

    def modalities(self) -> tuple[Image, Mask]:
        """A picture of its own size, and the class of each of its pixels."""
        return Image(self.recipe.image_size, "own"), Mask(self.recipe.ignore, self.recipe.image_size or LONGEST)

    def likelihood(self, rows: Sequence[Row]) -> tuple[float, str]:
        """Less where what is drawn are boxes, or nothing."""
        cells = [row.target for row in rows[:SEEN]]
        drawn = [cell for cell in cells if isinstance(cell, Mapping) and cell.get("shapes")]
        if len(cells) > 2 * sum(isinstance(cell, Mapping) for cell in cells):
            return 0.8, f"{len(rows):,} pictures and masks"
        if 2 * sum(map(coco.is_outlined, drawn)) > len(drawn):
            return 0.85, f"{len(rows):,} pictures with outlines of things"
        return 0.4, "outlines that are boxes, or none"

    @property
    def metrics(self) -> Sequence[Metric]:
        """Mean intersection over union first; that of each class last."""
        ids, names = self.target.ids, self.target.names
        of_all = [mean_iou(ids), pixel_accuracy(ids), mean_precision(ids), mean_recall(ids), boundary_f(ids)]
        return [*of_all, *(class_iou(ids, *k) for k in enumerate(names))]

    @property
    def ranking(self) -> Metric:
        """The mean intersection over union of one picture."""
        return mean_iou(self.target.ids)

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        """Precision against recall, and what is taken for what."""
        return segmentation_figures(records, self.target.ids, self.target.names)

    def details(self, records: Sequence[Record]) -> Mapping[str, Any]:
        """Precision and recall of each class."""
        return {"by_class": by_class(records, self.target.ids, self.target.names)}

    @property
    def mirrors(self) -> bool:
        """Whether a mirrored picture shows the same things."""
        return mirrors(self.recipe.flip, self.input.channels)

    @property
    def averages(self) -> bool:
        """Whether answers are the mean over a picture and its mirror image."""
        known = {"auto": self.recipe.size == "base", "yes": True, "no": False}
        if self.options.flip_average not in known:
            fix = "Give flip_average auto, yes or no"
            raise UsageError(f"flip_average={self.options.flip_average} is not known", fix=fix)
        return self.mirrors and known[self.options.flip_average]

    def build(self) -> nn.Module:
        """Standardised channels, then a U-Net; logits [B, K, H, W] in the order of the target's names."""
        r, channels, side = self.recipe, self.input.channels, max(self.input.height, self.input.width)
        net = backbone(r.backbone, channels, r.width, r.depth, act=r.activation, side=side, first=r.finest)
        net = UNet(net, channels, len(self.target.ids), r.decoder, detail=r.detail, act=r.activation)
        return nn.Sequential(Normalize(self.input.mean, self.input.std), net)

    def augment(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Change]:
        """A window somewhere in each picture, which is scaled, mirrored and recoloured, as the recipe says."""
        r, shape = self.recipe, (min(self.recipe.crop, x.shape[-2]), min(self.recipe.crop, x.shape[-1]))
        x, affine = warp(x, rng, scale=(1 / r.zoom, r.zoom), flip=self.mirrors, shape=shape)
        return jitter(x, rng, r.colour), Moved(affine, shape)

    def encode_targets(self, values: Sequence[Any]) -> Labels:
        """The classes of all pixels, as large as the model sees the pictures."""
        masks = [nearest(mask, within(mask.shape, self.input.size or LONGEST)) for mask in values]
        return Labels(self.target.encode(masks), torch.tensor([mask.shape for mask in masks]).view(-1, 2))

    def loss(self, model: nn.Module, x: Tensor, y: Labels) -> Tensor:
        """Mean cross-entropy [B] of the labelled pixels; in training, rare classes weigh more and Dice is added."""
        if model.training:
            truth = fitted(y.classes, x.shape[-2:])
            logs, weights = model(x).float().log_softmax(1), balanced(self.target.shares, self.recipe.balance)
            return cross_entropy(logs, truth, weights) + self.recipe.dice * dice(logs, truth)
        losses: dict[int, Tensor] = {}
        for (h, w), rows in grouped([tuple(size) for size in y.sizes.tolist()]).items():  # what pads must not count
            logs = self._log_scores(model, x[rows][..., :h, :w])
            losses |= zip(rows, cross_entropy(logs, fitted(y.classes[rows], logs.shape[-2:])), strict=True)
        return torch.stack([losses[i] for i in range(len(x))])

    @torch.inference_mode()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """The most probable class of each pixel; the score of a pixel is its probability, the confidence their mean."""
        pictures = [self.encoded(model, [value]) for value in inputs]
        found: dict[int, Prediction] = {}
        alike = grouped([x.shape for x in pictures]).values()
        for rows in (part for kind in alike for part in chunks(kind, self._at_once(pictures[kind[0]]))):
            sure, places = self._log_scores(model, torch.cat([pictures[i] for i in rows])).max(1)
            for i, p, value in zip(rows, sure.exp().cpu(), self.target.decode(places), strict=True):
                found[i] = Prediction(value, p.mean().item(), p.half().numpy())
        return [found[i] for i in range(len(inputs))]

    def _at_once(self, x: Tensor) -> int:
        """How many pictures [1, C, H, W] are looked at together: with more than a batch the maps take ever longer."""
        return max(self.recipe.batch, PIXELS // (x.shape[-2] * x.shape[-1]))

    def _log_scores(self, model: nn.Module, x: Tensor) -> Tensor:
        """Log-probabilities [B, K, H, W] as predicted: in windows, and of the mirror image too, as the options say."""
        o, pictures = self.options, [x, x.flip(-1)] if self.averages else [x]
        first, *mirrored = (tiled(model, p, o.tile, o.overlap).float().log_softmax(1) for p in pictures)
        return torch.logaddexp(first, mirrored[0].flip(-1)) - math.log(2) if mirrored else first

    def postprocessing(self, model: nn.Module) -> PixelClasses:
        """The likeliest class of each pixel, looked at as the options say."""
        o, target = self.options, self.target
        longest = self.input.size or LONGEST
        return PixelClasses(tuple(target.names), tuple(target.ids), o.tile, o.overlap, self.averages, longest)

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """A green disc (class 1) and a red square (class 2) of any place and size on grey, 24×24 pixels."""
        return [_scene(rng) for _ in range(n)]


def _scene(rng: np.random.Generator) -> Example:
    picture, mask = rng.integers(85, 106, (24, 24, 3)).astype(np.uint8), np.zeros((24, 24), np.uint8)
    for left, kind, colour in zip(rng.permutation([0, 12]), (1, 2), ((40, 200, 70), (220, 40, 50)), strict=True):
        radius = rng.uniform(2.5, 5.0)
        y, x = np.mgrid[:24, :24] - np.array([rng.uniform(5, 18), left + rng.uniform(5, 6)])[:, None, None]
        inside = y**2 + x**2 <= radius**2 if kind == 1 else np.maximum(abs(y), abs(x)) <= 0.85 * radius
        picture[inside], mask[inside] = colour, kind
    return Example(picture, mask)
