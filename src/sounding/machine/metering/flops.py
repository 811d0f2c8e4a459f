"""Floating-point operations of any piece of torch code, counted exactly, or rejected where they cannot be.

torch's own counter sees matrix products and convolutions, but on a CPU three kinds of layer pass it unseen and count
as zero: fused recurrent layers, fused attention, and the encoder's fast path. Here the first and last are switched off
while counting, attention has a formula, and any other heavy operation without one is rejected by name, not ignored.

A multiplication and an addition are two operations. Element-wise work (activations, norms, softmax) is not counted, as
is usual; it is a few percent of the whole.
"""

from __future__ import annotations

import contextlib
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.utils import flop_counter
from torch.utils._python_dispatch import TorchDispatchMode

Shape = Sequence[int]

HEAVY = re.compile(
    r"(^|_)(mm|addmm|bmm|baddbmm|addbmm|addmv|mv|dot|vdot|matmul|linear|bilinear|trilinear|gemm|ger|addr|kron|einsum"
    r"|cdist|pdist|euclidean_dist|conv\d?d?|convolution|conv_\w+|attention|attn|rnn|lstm|gru|fft|linalg|multi_head"
    r"|encoder|cholesky|triangular|qr|svd|eig|lu|solve|lstsq|inverse|ormqr|orgqr|geqrf|gemv|spmm)(_|$)"
)
"""Names of operations whose cost grows faster than their output: without a formula the count would be wrong."""

LIGHT = re.compile(r"_thnn_fused_|_reorder_linear_weight|linalg_(vector_norm|check_errors|cross|diagonal)")
"""Names that match HEAVY but are element-wise, or copies."""


class Uncountable(RuntimeError):
    """Some heavy operations have no formula; `operations` names them. The count without them would be too small."""

    def __init__(self, operations: Sequence[str]) -> None:
        self.operations = tuple(operations)
        super().__init__(f"the operations of {', '.join(self.operations)} cannot be counted")


def count(work: Callable[[], Any]) -> int:
    """The floating-point operations of one call of `work`, forward or with its backward pass.

    Counts what runs, so call it with the batch whose cost is wanted. Raises Uncountable rather than count too few.
    """
    watch = _Watch(known={**flop_counter.flop_registry, **_formulas()})
    counter = flop_counter.FlopCounterMode(display=False, custom_mapping=_formulas())
    with _unfused(), watch, counter:
        work()
    if watch.unseen:
        raise Uncountable(sorted(watch.unseen))
    return int(counter.get_total_flops())


class _Watch(TorchDispatchMode):
    """Notes the heavy operations that reach the kernels without a formula.

    It is entered before the counter, so it sees each operation after the counter has taken it apart.
    """

    def __init__(self, known: Mapping[Any, Any]) -> None:
        super().__init__()
        self.known = known
        self.unseen: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet = getattr(func, "overloadpacket", func)
        name = str(packet).rsplit(".", 1)[-1]
        if packet not in self.known and HEAVY.search(name) and not LIGHT.search(name):
            self.unseen.add(name)
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def _unfused() -> Iterator[None]:
    """Fused kernels off: recurrent layers run as the matrix products that they are, encoders as their layers."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="TF32 acceleration")  # about graphics cards, when a switch is set
            with torch.backends.mkldnn.flags(enabled=False):
                yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _formulas() -> dict[Any, Callable[..., int]]:
    """What torch's own table lacks on a CPU: a kernel → its operations, from shapes in place of tensors."""
    aten = torch.ops.aten
    return {
        **_formulas_of_onednn(),
        aten._scaled_dot_product_flash_attention_for_cpu: _attention,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
        aten.mv: lambda matrix, vector, **rest: _products(matrix),
        aten.addmv: lambda bias, matrix, vector, *scale, **rest: _products(matrix),
        aten.dot: lambda a, b, **rest: _products(a),
        aten.vdot: lambda a, b, **rest: _products(a),
        aten._euclidean_dist: lambda a, b, **rest: _products(a) * b[-2],
        aten._cdist_forward: lambda a, b, *rest, **options: _products(a) * b[-2],
        aten._fft_c2c: lambda x, dim, *rest, out_shape=None, **options: _fourier(x, dim, 5.0),
        aten._fft_r2c: lambda x, dim, *rest, out_shape=None, **options: _fourier(x, dim, 2.5),
        aten._fft_c2r: lambda x, dim, *rest, out_shape=None, **options: _fourier(out_shape, dim, 2.5),
    }


def _formulas_of_onednn() -> dict[Any, Callable[..., int]]:
    """A product with weights that were laid out for it before, where torch was built with oneDNN."""
    product = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    return {} if product is None else {product: _linear}


def _linear(x: Shape, weight: Shape, *rest: Any, out_shape: Shape, **options: Any) -> int:
    return _products(x) * out_shape[-1]


def _attention(query: Shape, key: Shape, value: Shape, *rest: Any, **options: Any) -> int:
    return flop_counter.sdpa_flop_count(query, key, value)


def _attention_backward(grad: Shape, query: Shape, key: Shape, value: Shape, *rest: Any, **options: Any) -> int:
    return flop_counter.sdpa_backward_flop_count(grad, query, key, value)


def _products(shape: Shape) -> int:
    """Each element is multiplied once and added once."""
    return 2 * math.prod(shape)


def _fourier(shape: Shape, dim: Sequence[int], each: float) -> int:
    """n values take `each` n log2(points) operations: 5 for complex, 2.5 for real ones (the convention of FFTW)."""
    points = math.prod(shape[d] for d in dim)
    return int(each * math.prod(shape) * math.log2(points))
