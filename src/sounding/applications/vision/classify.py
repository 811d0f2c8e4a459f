"""Image classification: which of several categories a picture shows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sounding.architectures.backbones import NAMES as BACKBONES
from sounding.architectures.cnn import FAST_SIDES, FastNet, ResNet
from sounding.architectures.layers import Normalize
from sounding.architectures.mlp import MLP
from sounding.architectures.mobilenet import NETWORKS
from sounding.contract.change import Change
from sounding.contract.metrics import Metric, accuracy, macro_f1, top_k
from sounding.contract.modality import Row
from sounding.contract.options import Options
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example, Prediction
from sounding.contract.task import Task
from sounding.errors import UsageError, did_you_mean
from sounding.modalities.category import Category
from sounding.modalities.class_folders import CLASS_FOLDERS
from sounding.modalities.pictures.augmentation import mirrors
from sounding.modalities.pictures.image import Image
from sounding.postprocessing.classes import OneClass


@dataclass(frozen=True)
class ClassifyRecipe(Recipe):
    """The numbers of an image classifier."""

    sizes: ClassVar = {"tiny": {"width": 16}, "small": {}, "base": {"width": 64, "depth": 2, "epochs": 30.0}}
    shaping: ClassVar = ("network", "width", "depth", "activation")

    muon_lr: float = 0.1
    lr: float = 3e-3
    weight_decay: float = 0.05
    smoothing: float = 0.05
    average: float = 0.998
    network: str = "auto"  # fast, resnet, mobilenet_v2, efficientnet_lite0 or mlp; auto: fast (16-64 px), else resnet
    width: int = 32  # channels of the first stage
    depth: int = 1  # blocks in a stage of a resnet; hidden layers of an mlp
    activation: str = "gelu"
    image_size: int = 0  # side that pictures are scaled to; 0 lets the pictures say
    fill: str = "crop"  # how a picture becomes square: see Image
    crop: float = 0.0625  # training pictures are shifted by up to this share of the side
    flip: str = "auto"  # mirror training pictures: yes, no, or auto: if they have colours (a mirrored 2 is no 2)
    colour: float = 0.0  # largest relative change of brightness, contrast and saturation
    mixup: float = 0.0  # alpha of MixUp (arXiv 1710.09412)
    cutmix: float = 0.0  # alpha of CutMix (arXiv 1905.04899)
    cutout: float = 0.0  # side of a hole (arXiv 1708.04552), as a share of the picture's
    noise: float = 0.0  # standard deviation of noise, for certificates (arXiv 1902.02918)


@dataclass(frozen=True)
class ClassifyOptions(Options):
    """How an image classifier answers."""

    flip_average: bool = True  # with the mean over a picture and its mirror image, where mirroring is on


class Classify(Task):
    """Image classification: which of several categories a picture shows."""

    Recipe = ClassifyRecipe
    Options = ClassifyOptions
    pipeline = "image-classification"
    layouts = (CLASS_FOLDERS,)
    recipe: ClassifyRecipe
    options: ClassifyOptions
    input: Image
    target: Category

    def modalities(self) -> tuple[Image, Category]:
        """A picture, and the name of its category."""
        return Image(self.recipe.image_size, self.recipe.fill), Category()

    @property
    def metrics(self) -> Sequence[Metric]:
        """Accuracy first; among more than five categories also whether the truth is among the best five."""
        best_five = [top_k(5, self.classes)] if len(self.classes) > 5 else []
        return [accuracy(), macro_f1(self.classes), *best_five]

    @property
    def classes(self) -> list[str]:
        """The categories, in the order of the logits."""
        return self.target.classes or []

    @property
    def mirrors(self) -> bool:
        """Whether a mirrored picture shows the same thing."""
        return mirrors(self.recipe.flip, self.input.channels)

    def likelihood(self, rows: Sequence[Row]) -> tuple[float, str]:
        """Half, where there are several answers with several rows each."""
        times = Counter(str(row.target) for row in rows)
        if len(times) < 2:
            return 0.05, "a single answer"
        said = f"{len(times):,} answers of {median(times.values()):g} rows each (median)"
        return (0.5 if 2 * len(times) <= len(rows) else 0.2), said

    def build(self) -> nn.Module:
        """Standardised channels, then the network; logits [B, K] in the order of the categories."""
        return nn.Sequential(Normalize(self.input.mean, self.input.std), self._network())

    def _network(self) -> nn.Module:
        r, side = self.recipe, max(self.input.height, self.input.width)
        channels, outputs = self.input.channels, len(self.classes)
        network = r.network if r.network != "auto" else "fast" if side in FAST_SIDES else "resnet"
        if network == "fast":
            return FastNet(channels, outputs, (r.width, 2 * r.width, 4 * r.width), act=r.activation)
        if network == "resnet":
            return ResNet(channels, outputs, r.width, r.depth, act=r.activation, side=side)
        if network == "mlp":
            pixels = channels * self.input.height * self.input.width
            return nn.Sequential(nn.Flatten(), MLP(pixels, outputs, [8 * r.width] * r.depth, act=r.activation))
        if network in NETWORKS:
            return NETWORKS[network](channels, outputs, side=side)
        raise UsageError(f"no network {network!r}", fix=did_you_mean(network, ["auto", "fast", "mlp", *BACKBONES]))

    def augment(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Change]:
        """Pictures moved, mirrored, recoloured and mixed, as the recipe says."""
        r, side = self.recipe, self.input.width
        pixels = {"crop": int(r.crop * side), "cutout": math.ceil(r.cutout * side)}
        return self.input.augment(
            x, rng, flip=self.mirrors, colour=r.colour, mixup=r.mixup, cutmix=r.cutmix, noise=r.noise, **pixels
        )

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        """Cross-entropy [B]; the truth may be a mixture. Labels are smoothed in training only (arXiv 1512.00567)."""
        if model.training:
            return F.cross_entropy(model(x).float(), y, reduction="none", label_smoothing=self.recipe.smoothing)
        return -(y * self._log_scores(model, x)).sum(dim=1)

    @torch.inference_mode()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """The most probable category of each picture, its probability, and those of all categories."""
        scores = self._log_scores(model, self.encoded(model, inputs)).exp().cpu().numpy()
        return [Prediction(self.classes[row.argmax()], float(row.max()), row) for row in scores]

    def postprocessing(self, model: nn.Module) -> OneClass:
        """The likeliest category, of the mean over a picture and its mirror image where that fits."""
        return OneClass(tuple(self.classes), self.mirrors and self.options.flip_average)

    def _log_scores(self, model: nn.Module, x: Tensor) -> Tensor:
        """Log-probabilities [B, K] as predicted: of the mean over a picture and its mirror image, where that fits."""
        scores = model(x).float().log_softmax(dim=1)
        if self.mirrors and self.options.flip_average:
            mirrored = model(x.flip(-1)).float().log_softmax(dim=1)
            scores = torch.logaddexp(scores, mirrored) - math.log(2)
        return scores

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """White shapes on dark 16×16 grey pictures: discs, squares and crosses of any place, size and brightness."""
        return [_shape(rng, ("disc", "square", "cross")[i % 3]) for i in range(n)]


def _shape(rng: np.random.Generator, name: str) -> Example:
    radius = rng.uniform(3.0, 5.0)
    y, x = np.mgrid[:16, :16] - rng.uniform(radius, 15 - radius, size=2)[:, None, None]
    inside = {
        "disc": x**2 + y**2 <= radius**2,
        "square": np.maximum(abs(x), abs(y)) <= 0.85 * radius,
        "cross": (np.minimum(abs(x), abs(y)) <= 0.3 * radius) & (np.maximum(abs(x), abs(y)) <= radius),
    }[name]
    picture = rng.uniform(0, 60, (16, 16)) + inside * rng.uniform(100, 190)
    return Example(picture.astype(np.uint8)[:, :, None], name)
