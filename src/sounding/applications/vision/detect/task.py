"""Object detection: what is in a picture, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from sounding.applications.vision.detect.figures import detection_figures
from sounding.applications.vision.detect.matching import Targets, agreement, best_threshold, box_losses
from sounding.applications.vision.detect.metrics import box_hits, detection_metrics
from sounding.applications.vision.detect.operating_point import by_class, f1, precision, recall
from sounding.architectures.backbones import backbone
from sounding.architectures.detector import Detector
from sounding.architectures.layers import Normalize
from sounding.architectures.pyramid import Pyramid
from sounding.contract.change import Change
from sounding.contract.evidence import Figure
from sounding.contract.metrics import Metric
from sounding.contract.options import Options
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Task
from sounding.contract.tree import arrays
from sounding.modalities.boxes.boxes import Boxes, BoxSet
from sounding.modalities.boxes.layouts.box_layouts import BOX_LAYOUTS
from sounding.modalities.boxes.mosaic import mosaic
from sounding.modalities.pictures.augmentation import jitter, warp
from sounding.modalities.pictures.changes import Moved
from sounding.modalities.pictures.image import Image
from sounding.postprocessing.boxes import BestBoxes


@dataclass(frozen=True)
class DetectRecipe(Recipe):
    """The numbers of a detector."""

    sizes: ClassVar = {
        "tiny": {"width": 16, "pyramid": 32},
        "small": {},
        "base": {"width": 64, "depth": 2, "pyramid": 128, "head": 2, "image_size": 512},
    }

    shaping: ClassVar = ("backbone", "width", "depth", "pyramid", "head", "finest", "activation")

    epochs: float = 100.0
    batch: int = 8
    weight_decay: float = 0.05
    average: float = 0.998
    clip: float = 10.0
    image_size: int = 320  # longer side above which pictures are scaled down; 0 is 1024
    backbone: str = "resnet"  # resnet, mobilenet_v2 or efficientnet_lite0
    width: int = 32  # channels of the resnet's first stage
    depth: int = 1  # blocks in a stage of the resnet
    pyramid: int = 64  # channels of the pyramid and of the head
    head: int = 1  # convolutions in each of the head's two towers
    finest: int = 0  # pixels between locations on the finest map; 0 is 8, or 4 for pictures of up to 64 pixels
    activation: str = "silu"
    box_weight: float = 2.0  # weight of the boxes' loss beside the classes'
    scale: float = 1.5  # training pictures are enlarged or shrunk by up to this factor
    shift: float = 0.1  # and moved by up to this share of their sides
    flip: bool = True  # and mirrored left to right, half of them
    upright: bool = True  # pictures have an up and a down; no for what is seen from above: they are also turned
    colour: float = 0.3  # largest relative change of brightness, contrast and saturation
    mosaic: float = 0.3  # share of the batches that are put together from four pictures each


@dataclass(frozen=True)
class DetectOptions(Options):
    """How a detector answers."""

    modest: ClassVar = {"most": (1, 1000)}

    suppression: float = 0.6  # a box that overlaps a surer one of its class by more than this IoU is left out
    most: int = 100  # boxes of one picture


class Detect(Task):
    """Object detection: what is in a picture, and where."""

    Recipe = DetectRecipe
    Options = DetectOptions
    pipeline = "object-detection"
    layouts = BOX_LAYOUTS
    recipe: DetectRecipe
    options: DetectOptions
    input: Image
    target: Boxes

    def modalities(self) -> tuple[Image, Boxes]:
        """A picture, all of it, and the boxes of what is in it."""
        return Image(self.recipe.image_size, "whole"), Boxes()

    @property
    def metrics(self) -> Sequence[Metric]:
        """Mean average precision first; precision and recall of what is shown; average precision of each class."""
        names = self.target.names
        headline, strict, *others = detection_metrics(names)
        return headline, strict, precision(names), recall(names), *others

    @property
    def ranking(self) -> Metric:
        """How good the boxes are that are shown of one picture."""
        return f1(self.target.names)

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        """Precision against recall, and what is taken for what."""
        return detection_figures(records, self.target.names)

    def details(self, records: Sequence[Record]) -> Mapping[str, Any]:
        """Precision and recall of each class."""
        return {"by_class": by_class(records, self.target.names)}

    def build(self) -> nn.Module:
        """Standardised channels, then backbone, pyramid and head."""
        r, side = self.recipe, max(self.input.height, self.input.width)
        net = backbone(r.backbone, self.input.channels, r.width, r.depth, act=r.activation, side=side)
        pyramid = Pyramid(net, r.pyramid, r.finest or (8 if side > 64 else 4), r.activation)
        detector = Detector(pyramid, len(self.target.names), r.head, r.activation)
        return nn.Sequential(Normalize(self.input.mean, self.input.std), detector)

    def augment(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Change]:
        """Pictures put together by four, or each scaled, moved and mirrored; then recoloured."""
        r = self.recipe
        if torch.rand((), generator=rng) < r.mosaic:
            change: Change
            x, change = mosaic(x, rng, scale=(0.5, r.scale), flip=r.flip, upright=r.upright)
        else:
            x, affine = warp(x, rng, scale=(1 / r.scale, r.scale), shift=r.shift, flip=r.flip, upright=r.upright)
            change = Moved(affine)
        return (jitter(x, rng, r.colour) if r.colour else x), change

    def encode_targets(self, values: Sequence[Any]) -> Targets:
        """The boxes of each picture, padded to the most of any."""
        return Targets.of(self.target.encode(values))

    def loss(self, model: nn.Module, x: Tensor, y: Targets) -> Tensor:
        """Cross-entropy of the scores and overlap of the boxes [B], for each target that is learnt."""
        found = model(x)
        return box_losses(found.logits, found.corners, found.places, y, self.recipe.box_weight)

    def log_likelihood(self, model: nn.Module, x: Tensor, y: Targets) -> Tensor:
        """Mean log over the boxes given [B] of how well the best location agrees with each, in class and place."""
        found = model(x)
        return agreement(found.logits, found.corners, y)

    @torch.inference_mode()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """The boxes, with a threshold for those that a person is shown; confidence is the mean score of these."""
        if not len(inputs):
            return []
        x = self.encoded(model, inputs)
        return self.postprocessing(model).answers(arrays(model(x)), arrays(x), inputs, self.target)

    def postprocessing(self, model: nn.Module) -> BestBoxes:
        """The surest boxes, and the score from which on they are shown."""
        threshold = float(model[1].threshold)  # type: ignore[index]
        return BestBoxes(tuple(self.target.names), threshold, self.options.suppression, self.options.most)

    def calibrate(self, model: nn.Module, validation: Sequence[Example], train: Sequence[Example]) -> bool:
        """The score from which on a person is shown a box: the best F1 at IoU 0.5 on the validation rows."""
        if not len(validation):
            return False
        hits = [hit for record in self.evaluate_rows(model, validation) for hit in box_hits(record)]
        scores, right = np.array(hits).reshape(-1, 2).T
        best = best_threshold(scores, right > 0, sum(len(e.target) for e in validation))
        if best is not None:
            model[1].threshold.fill_(best)  # type: ignore[index]
        return best is not None

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Dark 32×32 pictures with a reddish disc or a bluish square in one half or in both."""
        return [_scene(rng) for _ in range(n)]


def _scene(rng: np.random.Generator) -> Example:
    picture, boxes, names = rng.uniform(0, 60, (32, 32, 3)), [], []
    y, x = np.mgrid[:32, :32] + 0.5
    for left in rng.permutation([0, 16])[: rng.integers(1, 3)]:
        radius, name = rng.uniform(4, 7), str(rng.choice(["disc", "square"]))
        across, down = left + rng.uniform(radius, 16 - radius), rng.uniform(radius, 32 - radius)
        far = np.hypot(x - across, y - down) if name == "disc" else np.maximum(abs(x - across), abs(y - down))
        picture[far <= radius] += rng.uniform(80, 190) * np.array([1, 0.5, 0.2] if name == "disc" else [0.2, 0.5, 1])
        boxes.append([across - radius, down - radius, across + radius, down + radius])
        names.append(name)
    return Example(picture.astype(np.uint8), BoxSet(np.array(boxes) / 32, tuple(names), image_size=(32, 32)))
