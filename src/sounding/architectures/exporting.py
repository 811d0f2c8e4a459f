"""Whether a network is being written down for another program, where some layers are computed in simpler steps."""

from __future__ import annotations

import sys

import torch


def is_exporting() -> bool:
    """Whether torch.export, or either exporter of torch.onnx, follows the forward pass."""
    exporter = sys.modules.get("torch.onnx")  # to name it would import it, for a quarter of a second; who exports has
    return torch.compiler.is_exporting() or (exporter is not None and exporter.is_in_onnx_export())
