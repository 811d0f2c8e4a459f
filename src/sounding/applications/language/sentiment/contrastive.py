"""Supervised contrast: texts of a class are drawn together, others apart (Khosla et al., arXiv 2004.11362).

With few labels the vectors of a pretrained encoder learn more from pairs of texts, of which there are many, than from
single ones (SetFit: Tunstall et al., arXiv 2209.11055). What answers from them is fitted afterwards.

Legend of shapes: B batch, W views of a text, N = W B, D width, K classes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

TEMPERATURE = 0.1
"""By which likenesses are divided: the smaller, the more the nearest texts of other classes count."""


def contrast(vectors: Float[Tensor, "N D"], y: Float[Tensor, "N K"], views: int) -> Float[Tensor, " B"]:
    """For each text the mean nats of finding those of its class by their likeness (`L_out` of the paper, equation 2).

    `vectors` are `views` encodings of B texts, one after the other; other views of a text are of its class. A text that
    is alone in its class, and has one view, counts nothing.
    """
    unit = F.normalize(vectors.float(), dim=1)
    likeness = unit @ unit.T / TEMPERATURE
    self_alone = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    found = likeness.masked_fill(self_alone, -torch.inf).log_softmax(dim=1)
    friends = (y @ y.T > 0) & ~self_alone
    nats = -found.masked_fill(~friends, 0.0).sum(dim=1) / friends.sum(dim=1).clamp(min=1)
    return nats.view(views, -1).mean(dim=0)
