"""The layers that the networks share, and how their weights begin.

Legend of shapes: B batch, C channels in, D channels out, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sounding.architectures.activations import activation, gain


class Normalize(nn.Module):
    """Standardises each channel: (x - mean) / std. A layer, so that attacks and explanations act on the raw values.

    A channel without spread is only shifted. The two are buffers: saved with the weights, never trained.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(list(mean)).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor([s if s > 1e-6 else 1.0 for s in std]).view(1, -1, 1, 1))

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """The standardised picture."""
        return (x - self.mean) / self.std


class MaxPool2(nn.Module):
    """The maximum over each 2×2 field. An odd row or column at the edge is left out, unless it is the only one."""

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C h w"]:
        """The same channels at half the side."""
        return F.max_pool2d(x, 2, ceil_mode=min(x.shape[-2:]) == 1)


class ConvNorm(nn.Sequential):
    """Convolution, halving by max-pooling when `pool`, batch normalisation, activation.

    The convolution keeps the side at stride 1 and has no bias, since the normalisation brings its own. Pooling comes
    ahead of the normalisation as in arXiv 2404.00498: it sees the raw maxima, and the rest works on a quarter.
    """

    def __init__(
        self, channels: int, width: int, kernel: int = 3, stride: int = 1, *, act: str = "relu", pool: bool = False
    ) -> None:
        layers: list[nn.Module] = [nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)]
        if pool:
            layers.append(MaxPool2())
        super().__init__(*layers, nn.BatchNorm2d(width), activation(act))

    @property
    def norm(self) -> nn.BatchNorm2d:
        """The normalisation."""
        norm = self[-2]
        assert isinstance(norm, nn.BatchNorm2d)
        return norm

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """The new channels; the side is divided by the stride, and by two when pooled."""
        return super().forward(x)


class Residual(nn.Module):
    """`act(body(x) + shortcut(x))`: a block that learns the difference from its shortcut (arXiv 1512.03385)."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None, *, act: str = "relu") -> None:
        super().__init__()
        self.body, self.shortcut, self.act = body, shortcut or nn.Identity(), activation(act)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """The sum of what the body makes of `x` and of what the shortcut leaves of it."""
        return self.act(self.body(x) + self.shortcut(x))


class Decorrelate(nn.Module):
    """A fixed 2×2 convolution whose outputs hardly correlate on natural pictures, each scaled to unit variance, ±.

    arXiv 2404.00498 begins with filters that whiten the 2×2 patches of the training pictures. Their principal axes are
    nearly those of the cosine transform over place and over colour (for RGB: brightness, red-blue, green-magenta), so
    these are used outright and batch normalisation scales them: nothing has to be fitted. Each output is given with
    both signs, so that an activation that drops negative values loses nothing. The side shrinks by one pixel.
    """

    filters: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.width = 8 * channels
        filters = torch.einsum("ac,ih,jw->aijchw", cosine_basis(channels), cosine_basis(2), cosine_basis(2))
        self.register_buffer("filters", filters.reshape(4 * channels, channels, 2, 2).contiguous())
        self.norm = nn.BatchNorm2d(4 * channels, affine=False)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """Eight channels for each channel of `x`."""
        x = self.norm(F.conv2d(x, self.filters))
        return torch.cat([x, -x], dim=1)


def cosine_basis(n: int) -> Float[Tensor, "{n} {n}"]:
    """The orthonormal discrete cosine transform of length n (type II), one basis vector a row."""
    angles = torch.outer(torch.arange(n), torch.arange(n) + 0.5) * torch.pi / n
    basis = torch.cos(angles) * (2 / n) ** 0.5
    basis[0] /= 2**0.5
    return basis


def initialise(module: nn.Module, act: str = "relu") -> None:
    """He's normal start for every convolution and linear layer in `module`: variance gain(act)² / fan, biases zero.

    The fan is that of the outputs for convolutions (which keeps gradients level, arXiv 1512.03385) and of the inputs
    for linear layers. Normalisations are left as they are. Draws from torch's global generator.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            fan = layer.out_channels // layer.groups * layer.kernel_size[0] * layer.kernel_size[1]
            nn.init.normal_(layer.weight, std=gain(act) / fan**0.5)
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=gain(act) / layer.in_features**0.5)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
