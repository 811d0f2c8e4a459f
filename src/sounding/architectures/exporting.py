"""Whether a network is being written down for another program, where some layers are computed in simpler steps."""

from __future__ import annotations

import torch


def is_exporting() -> bool:
    """Whether torch.export, or either exporter of torch.onnx, follows the forward pass."""
    return torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export()
