"""Eight bits: weights, and where the network is made of convolutions what flows between them, too.

static    weights and activations; how large activations become is looked at with training rows (QDQ, arXiv 1712.05877)
dynamic   weights; activations are measured in each call: networks of texts, whose time goes to few large products
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sounding.contract.inputs import Portable
from sounding.errors import UsageError

ROWS = 256
"""Training rows that are looked at."""
_BATCH = 32


def quantised(fp32: Path, path: Path, input: Portable | None, rows: Sequence[Any]) -> str:
    """Write the network in `fp32` with 8 bits to `path`; how, in words. `rows` are input values of training.

    Without an `input` that encodes to what the network is given, activations are measured in each call.
    """
    try:
        import onnx
        from onnxruntime import quantization
        from onnxruntime.quantization.registry import IntegerOpsRegistry
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        fix = 'Install it: pip install "sounding[export]"'
        raise UsageError(f"what writes 8 bits is not installed ({error.name})", fix=fix) from None
    prepared = path.with_suffix(".prepared.onnx")
    logging.getLogger().addFilter(_not_advice)
    try:
        quant_pre_process(fp32, prepared, skip_symbolic_shape=True)
        kinds = {node.op_type for node in onnx.load(prepared).graph.node}
        if input is not None and "Conv" in kinds and "LSTM" not in kinds and "GRU" not in kinds:
            reader = _Reader(input, rows)
            method = quantization.CalibrationMethod.MinMax
            quantization.quantize_static(prepared, path, reader, per_channel=True, calibrate_method=method)
            return f"static: weights for each channel, activations by {len(rows):,} training rows"
        products = None if input is not None else [kind for kind in IntegerOpsRegistry if kind != "Conv"]  # slow so
        quantization.quantize_dynamic(prepared, path, per_channel=True, op_types_to_quantize=products)
        return "dynamic: weights for each channel, activations in each call"
    finally:
        logging.getLogger().removeFilter(_not_advice)
        with contextlib.suppress(OSError):
            prepared.unlink()


def _not_advice(record: logging.LogRecord) -> bool:
    """Whether a line in the log is more than advice to do what was done, and that a scale has no channels to be of."""
    said = record.getMessage()
    return "pre-processing before quantization" not in said and "is out-of-range for weight" not in said


class _Reader:
    """Encoded rows, as ONNX Runtime takes them to calibrate."""

    def __init__(self, input: Portable, rows: Sequence[Any]) -> None:
        self._batches = self._encoded(input, rows)

    @staticmethod
    def _encoded(input: Portable, rows: Sequence[Any]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(rows), _BATCH):
            yield dict(zip(input.axes, input.arrays(rows[start : start + _BATCH]), strict=True))

    def get_next(self) -> dict[str, Any] | None:
        """The next batch; None after the last."""
        return next(self._batches, None)
