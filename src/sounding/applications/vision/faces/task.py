"""Face verification: whether two pictures show the same person."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sounding.applications.vision.faces import (
    error_rates,
    gallery,
    identification,
    likelihood,
    pairs,
    synthetic_faces,
    thresholds,
)
from sounding.applications.vision.faces.answering import OnePerson, Threshold
from sounding.applications.vision.faces.layouts import PEOPLE_FOLDERS
from sounding.applications.vision.faces.modality import DIFFERENT, NOT_FOR, SAME, Kin, Pair, People, PicturePair, Who
from sounding.architectures.layers import Normalize
from sounding.architectures.margin import MarginSoftmax, Verifier, embedder
from sounding.contract.change import Change, Unchanged
from sounding.contract.metrics import Metric
from sounding.contract.modality import Row
from sounding.contract.options import Options
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.split_names import Shares
from sounding.contract.task import Task, targets


@dataclass(frozen=True)
class FacesRecipe(Recipe):
    """The numbers of a face verifier."""

    sizes: ClassVar = {
        "tiny": {"width": 16, "dims": 32, "batch": 32, "warp": 0.0},
        "small": {},
        "base": {"width": 48, "dims": 192},
    }
    shaping: ClassVar = ("network", "width", "depth", "activation", "dims")

    epochs: float = 60.0
    batch: int = 128
    lr: float = 2e-3
    weight_decay: float = 0.05
    average: float = 0.998
    network: str = "auto"  # fast or the name of a backbone; auto is fast for sides of 16 to 64 pixels, else resnet
    width: int = 32  # channels of the first stage
    depth: int = 1  # blocks in a stage of a resnet
    activation: str = "gelu"
    dims: int = 128  # entries of an embedding
    dropout: float = 0.0
    margin: float = 0.3  # what the own person has to win by (arXiv 1801.09414)
    kind: str = "cosface"  # or arcface: the margin is an angle (arXiv 1801.07698)
    scale: float = 30.0  # of the cosines in the softmax
    margin_steps: int = 500  # steps over which the margin rises
    image_size: int = 0  # side that pictures are scaled to; 0 lets the pictures say
    fill: str = "crop"  # how a picture becomes square: see Image
    crop: float = 0.04  # training pictures are shifted by up to this share of the side
    colour: float = 0.3  # largest relative change of brightness and contrast
    cutout: float = 0.3  # side of a hole (arXiv 1708.04552), as a share of the picture's
    warp: float = 0.3  # strength of turning, shearing and toning, 0 to 1


@dataclass(frozen=True)
class FacesOptions(Options):
    """How a face verifier answers."""

    fmr: float = 0.001  # false match rate that the threshold stands for, where the validation people support it


class Faces(Task):
    """Face verification: whether two pictures show the same person."""

    Recipe = FacesRecipe
    Options = FacesOptions
    caution = NOT_FOR
    layouts = (PEOPLE_FOLDERS,)
    recipe: FacesRecipe
    options: FacesOptions
    input: PicturePair
    target: People

    def modalities(self) -> tuple[PicturePair, People]:
        """A pair of pictures, and whose they are."""
        return PicturePair(self.recipe.image_size, self.recipe.fill), People()

    def likelihood(self, rows: Sequence[Row]) -> tuple[float, str]:
        """By a list of pairs, or by how many people there are and whether their pictures show one kind of thing."""
        return likelihood.of(rows, self.input.image)

    def compose_rows(self, rows: Sequence[Row], shares: Shares | None = None) -> Sequence[Row]:
        """Single pictures to train on, and pairs to choose and test on, of other people; see `pairs.py`."""
        return pairs.compose(rows, shares)

    @property
    def metrics(self) -> Sequence[Metric]:
        """What is answered at the threshold in use, then the curve, and accuracy as LFW counts it."""
        return error_rates.metrics(lambda kin: kin.same)

    @property
    def set_metrics(self) -> Sequence[Metric]:
        """Whether the pictures are given the right names, where the people of the test are trained on."""
        return identification.metrics() if self.target.closed else ()

    def build(self) -> nn.Module:
        """The embedding net with a centre for each training person, and what `calibrate` will set."""
        r, image = self.recipe, self.input.image
        shape = (r.network, image.channels, (image.height, image.width), r.dims, r.width, r.depth)
        net = embedder(*shape, act=r.activation, dropout=r.dropout, first=Normalize(image.mean, image.std))
        people = len(self.target.people)
        margin = MarginSoftmax(r.dims, people, r.scale, r.margin, r.kind)
        return Verifier(net, margin, r.margin_steps, people if self.target.closed else 0)

    def augment(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Change]:
        """Every picture by itself mirrored, moved, toned, warped, and with a hole."""
        r, side = self.recipe, x.shape[-1]
        pixels = {"crop": int(r.crop * side), "cutout": math.ceil(r.cutout * side)}
        pictures, _ = self.input.image.augment(x.flatten(0, 1), rng, flip=True, colour=r.colour, **pixels)
        pictures = self.input.image.strong_augmentation(pictures, rng, r.warp) if r.warp else pictures
        return pictures.view_as(x), Unchanged()

    def loss(self, model: Any, x: Tensor, y: Who) -> Tensor:
        """Nats [B]: of single pictures, and in training of all, who it is (with the margin); of pairs, if it is one."""
        who, single, same = y
        named = single | ((who >= 0).all(1) & model.training)
        losses = torch.zeros(len(x), device=x.device)
        if named.any():
            losses = losses.masked_scatter(named, self._of_names(model, x[named], who[named], ~single[named]))
        if not named.all():
            odds = model.odds((model.embedded(x[~named, 0]) * model.embedded(x[~named, 1])).sum(1))
            losses = losses.masked_scatter(~named, F.softplus(torch.where(same[~named], -odds, odds)))
        return losses

    def _of_names(self, model: Any, x: Tensor, who: Tensor, pair: Tensor) -> Tensor:
        """Cross-entropy [B] over the training people; the mean over both pictures of a pair."""
        own = torch.cat([who[:, 0], who[pair, 1]])
        logits = model.logits(model(torch.cat([x[:, 0], x[pair, 1]])), own.clamp_min(0))
        smoothing = self.recipe.smoothing if model.training else 0.0
        nats = F.cross_entropy(logits, own.clamp_min(0), reduction="none", label_smoothing=smoothing)
        nats = torch.where(own < 0, math.log(logits.shape[1]), nats)  # of a stranger nothing is known
        first = nats[: len(x)]
        return (first + first.masked_scatter(pair, nats[len(x) :])) / 2

    def _compared(self, model: Any, examples: Sequence[Example]) -> thresholds.Compared:
        return thresholds.compared(self, model, examples, lambda model, pictures: model.embedded(pictures))

    @torch.inference_mode()
    def embed(self, model: Any, inputs: Sequence[Pair]) -> np.ndarray:
        """Embeddings [n, D] of length 1 of the first pictures: what a gallery keeps."""
        return self._compared(model, [Example(Pair(pair.first), DIFFERENT) for pair in inputs]).first

    @torch.inference_mode()
    def predict(self, model: Any, inputs: Sequence[Pair]) -> list[Prediction]:
        """Same or different at the threshold for the false match rate, and the probability of that answer."""
        cosines = self._compared(model, [Example(pair, DIFFERENT) for pair in inputs]).cosines
        return self.postprocessing(model).of_cosines(cosines)

    def outputs(self, model: Any, x: Tensor) -> Tensor:
        """Embeddings [B, S, D] of the pictures of each question."""
        embeddings: Tensor = model.embedded(x.flatten(0, 1))
        return embeddings.view(*x.shape[:2], -1)

    def standing_in(self, model: Any, outputs: Callable[[Any], Any]) -> nn.Module:
        """A copy of `model` whose embeddings are `outputs`."""
        twin = copy.copy(model)
        twin.__dict__["embedded"] = lambda pictures: outputs(pictures[:, None])[:, 0]
        return twin

    def postprocessing(self, model: Any) -> OnePerson:
        """One person or two, by the cosine of their embeddings."""
        at = self._at(model)
        held = (None, None) if at is None else (at.value, at.rate)
        return OnePerson(float(model.slope), float(model.offset), *held)

    def evaluate_rows(self, model: Any, examples: Sequence[Example]) -> list[Record]:
        """The records of pairs; of single pictures, with the loss of who it is."""
        if any(kin.single for kin in targets(examples)):
            return super().evaluate_rows(model, examples)
        return thresholds.records(model, self._compared(model, examples), (DIFFERENT, SAME), self._at(model))

    def _at(self, model: Any) -> Threshold | None:
        """The threshold for the false match rate; None in training, before there is one."""
        return thresholds.at_rate(model, self.options.fmr) if model.calibrated else None

    def calibrate(self, model: Any, validation: Sequence[Example], train: Sequence[Example]) -> bool:
        """Set the odds and the threshold for the false match rate on the validation people."""
        if not len(validation):
            return False
        if len(train):
            thresholds.whiten(model, self._compared(model, train[:: math.ceil(len(train) / thresholds.MOST)]))
        if self.target.closed:
            thresholds.enroll(model, self._compared(model, train), self.target.people)
        return thresholds.calibrate(model, self._compared(model, validation), self.options.fmr)

    @torch.inference_mode()
    def evaluate_set(self, model: Any, examples: Sequence[Example]) -> list[Record]:
        """Who each picture of the pairs shows, of all the enrolled; none where the set is not closed."""
        if model.enrolled is None or not model.calibrated or not len(examples):
            return []
        embeddings, names = thresholds.probes(self._compared(model, examples))
        people, enrolled = self.target.people, model.enrolled.float().cpu().numpy()
        at = gallery.threshold(model, len(people), thresholds.at_rate(model, self.options.fmr))
        return identification.records(embeddings @ enrolled.T, names, people, at.value)

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Pairs of drawn faces of sixteen people, who are the same in training and test; half are of one person."""
        return [Example(Pair(*pictures), Kin(*names)) for pictures, names in synthetic_faces.pairs(rng, n, people=16)]
