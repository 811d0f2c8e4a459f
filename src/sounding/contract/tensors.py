"""Whether something is a tensor, asked where torch may not be installed.

What reads inputs also runs beside exported models, which need no torch: there nobody can hold a tensor.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from torch import Tensor


def is_tensor(value: Any) -> TypeGuard[Tensor]:
    """Whether `value` is a tensor of torch, which is not imported for the asking."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)
