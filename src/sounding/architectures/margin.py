"""Embeddings of faces: a network whose outputs lie near for one person and apart for two, and the loss that makes it.

    EmbeddingNet     a body's last map, weighed place by place, as a vector
    MarginSoftmax    cosines to a centre for each training person, made harder by a margin
    Verifier         both, and what turns a cosine into an answer

Faces are aligned, so a place on the map means a part of the face; a mean over places would forget which. So every
channel has a weight for each place (the global depthwise convolution of MobileFaceNets, arXiv 1804.07573).

Legend of shapes: B batch, C channels, H height, W width, D entries of an embedding, K training people.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.architectures.backbones import backbone
from sounding.architectures.cnn import FAST_SIDES, FastNet


class EmbeddingNet(nn.Module):
    """Body, weighted sum of its last map [C, H, W], linear layer, batch normalisation: D numbers, of any length.

    `body` maps pictures to [B, channels, side, side]; the sides are those it gives for the pictures it will see.
    """

    def __init__(self, body: nn.Module, channels: int, side: tuple[int, int], dims: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.body = body
        self.place = nn.Parameter(torch.randn(channels, *side) * 0.2 + 1.0)
        self.norm = nn.BatchNorm1d(channels)
        self.dropout = nn.Dropout(dropout)
        self.embed = nn.Linear(channels, dims, bias=False)
        self.scaled = nn.BatchNorm1d(dims)
        nn.init.normal_(self.embed.weight, std=channels**-0.5)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """The embedding, not yet scaled to length 1."""
        pooled = (self.body(x) * self.place).mean((2, 3))
        return self.scaled(self.embed(self.dropout(self.norm(pooled))))


class MarginSoftmax(nn.Module):
    """Scaled cosines to the centres of K people; in training the own centre's has to win by a margin.

    `kind` "cosface" takes `margin` off the own cosine (Wang et al., arXiv 1801.09414), "arcface" adds it to the own
    angle, in radians (Deng et al., arXiv 1801.07698). Beyond an angle of pi less the margin, where adding would make
    the cosine rise again, ArcFace goes on with the line that CosFace would take.
    """

    def __init__(self, dims: int, people: int, scale: float = 30.0, margin: float = 0.3, kind: str = "cosface") -> None:
        super().__init__()
        self.scale, self.margin, self.kind = scale, margin, kind
        self.centres = nn.Parameter(torch.randn(people, dims) / math.sqrt(dims))

    def forward(
        self, embeddings: Float[Tensor, "B D"], own: Int[Tensor, " B"], share: float = 1.0
    ) -> Float[Tensor, "B K"]:
        """Logits, with `share` (0..1) of the margin taken off the place `own` of each row."""
        cosines = F.linear(F.normalize(embeddings.float()), F.normalize(self.centres))
        if not share * self.margin:
            return self.scale * cosines
        mine = cosines.gather(1, own[:, None])
        return self.scale * cosines.scatter(1, own[:, None], self._harder(mine, share * self.margin))

    def _harder(self, cosine: Tensor, margin: float) -> Tensor:
        if self.kind == "cosface":
            return cosine - margin
        sine = (1 - cosine**2).clamp_min(1e-6).sqrt()
        turned = cosine * math.cos(margin) - sine * math.sin(margin)
        return torch.where(cosine > -math.cos(margin), turned, cosine - margin * math.sin(margin))


class Verifier(nn.Module):
    """An embedding net, the centres it is trained with, and what turns a cosine into an answer.

    Buffers, which `set_calibration` fills after the training (before it `calibrated` is false, and the odds are a
    guess): `slope` and `offset` of the log-odds that two pictures show one person; `threshold` on the cosine and the
    false match `rate` that it stands for, and the rate `asked` for; `tail` [T], thresholds for the rates of `TAIL`;
    `mean` [D] and `whitening` [D, D], which embeddings are moved and multiplied by where `whiten` was called. A
    threshold that is not there is `UNSET`, above every cosine, and not NaN: weights are averaged, and compared bit for
    bit.
    """

    UNSET = 2.0

    TAIL = (1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)

    slope: Tensor
    offset: Tensor
    threshold: Tensor
    rate: Tensor
    asked: Tensor
    tail: Tensor
    steps: Tensor
    mean: Tensor
    whitening: Tensor
    enrolled: Tensor | None

    def __init__(self, net: EmbeddingNet, margin: MarginSoftmax, rising: int = 0, enrolled: int = 0) -> None:
        super().__init__()
        self.margin, self.net, self.rising = margin, net, rising
        for name, start in (
            ("slope", 16.0),
            ("offset", -6.4),
            ("threshold", self.UNSET),
            ("rate", 1.0),
            ("asked", 1.0),
        ):
            self.register_buffer(name, torch.tensor(start))
        self.register_buffer("tail", torch.full((len(self.TAIL),), self.UNSET))
        self.register_buffer("steps", torch.tensor(0))
        self.register_buffer("mean", torch.zeros(margin.centres.shape[1]))
        self.register_buffer("whitening", torch.eye(margin.centres.shape[1]))
        self.register_buffer("enrolled", torch.zeros(enrolled, margin.centres.shape[1]) if enrolled else None)

    @property
    def calibrated(self) -> bool:
        """Whether there is a threshold for the present weights."""
        return bool(self.threshold < 1.5)

    def set_calibration(
        self, slope: float, offset: float, threshold: float, rate: float, tail: list[float], asked: float = 1.0
    ) -> None:
        """Take what was found on validation people; a threshold in the tail that is infinite stays unset."""
        self.asked.fill_(asked)
        self.slope.fill_(slope)
        self.offset.fill_(offset)
        self.threshold.fill_(threshold)
        self.rate.fill_(rate)
        self.tail.copy_(torch.tensor(tail).clamp(max=self.UNSET))

    def whiten(self, mean: Tensor, whitening: Tensor) -> None:
        """Take what `compared` is to move embeddings by, and to multiply them with."""
        self.mean.copy_(mean)
        self.whitening.copy_(whitening)

    def compared(self, embeddings: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
        """Embeddings as they are compared: of length 1, whitened, and of length 1 again."""
        return F.normalize((F.normalize(embeddings.float()) - self.mean) @ self.whitening)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """The embedding, not yet scaled to length 1."""
        return self.net(x)

    def embedded(self, pictures: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """Embeddings as they are compared: the mean over a picture and its mirror image."""
        return self.compared(self(pictures) + self(pictures.flip(-1)))

    def logits(self, embeddings: Float[Tensor, "B D"], own: Int[Tensor, " B"]) -> Float[Tensor, "B K"]:
        """Logits over the training people; in training with the margin, which rises over the first steps.

        A training step makes void what was set for other weights.
        """
        if not self.training:
            return self.margin(embeddings, own, 0.0)
        self.steps += 1
        self.threshold.fill_(self.UNSET)
        self.whiten(torch.zeros_like(self.mean), torch.eye(len(self.mean), device=self.mean.device))
        return self.margin(embeddings, own, min(1.0, int(self.steps) / max(1, self.rising)))

    def odds(self, cosines: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
        """Log-odds that the two pictures of each cosine show one person."""
        return self.slope * cosines + self.offset


def embedder(
    network: str,
    channels: int,
    side: tuple[int, int],
    dims: int,
    width: int = 32,
    depth: int = 1,
    *,
    act: str = "gelu",
    dropout: float = 0.0,
    first: nn.Module | None = None,
) -> EmbeddingNet:
    """The embedding net for pictures of `channels` and `side`, on the body that `network` names.

    "fast" is that of `FastNet`, "auto" is fast where it fits, any other name that of a backbone. `first` comes before
    it (a `Normalize`). Raises UsageError for an unknown name.
    """
    if network == "fast" or (network == "auto" and max(side) in FAST_SIDES):
        whole = FastNet(channels, 1, (width, 2 * width, 4 * width), act=act)
        body = nn.Sequential(first or nn.Identity(), whole.stem, whole.body)
    else:
        net = backbone("resnet" if network == "auto" else network, channels, width, depth, act=act, side=max(side))
        body = nn.Sequential(first or nn.Identity(), _LastMap(net))
    with torch.no_grad():
        shape = body.eval()(torch.zeros(1, channels, *side)).shape
    return EmbeddingNet(body.train(), shape[1], (shape[2], shape[3]), dims, dropout)


class _LastMap(nn.Module):
    """The coarsest map of a backbone."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B _ _ _"]:
        """[B, C, H, W]."""
        maps: list[Tensor] = self.net.features(x)  # type: ignore[operator]  # what makes it a backbone
        return maps[-1]
