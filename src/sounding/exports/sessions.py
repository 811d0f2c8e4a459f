"""What computes an exported network: ONNX Runtime, OpenVINO or torch. Each is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from sounding.contract.postprocessing import Arrays, Network
from sounding.errors import RunError, UsageError
from sounding.machine.setting import usable_threads

INSTALL = {
    "onnx": 'pip install "sounding[export]"',
    "openvino": 'pip install "sounding[openvino]"',
    "torch": "pip install torch",
}
"""What computes each format."""


def open_session(format: str, path: Path) -> Network:
    """The network in `path`, ready to be called.

    Raises UsageError where what computes it is not installed, RunError for a file that cannot be used.
    """
    try:
        run = _OPENERS[format](path)
    except ImportError as error:
        what = f"what computes a model of format {format} is not installed ({error.name})"
        raise UsageError(what, fix=f"Install it: {INSTALL[format]}") from None
    except KeyError:
        raise RunError(f"no format {format!r}", where=str(path), fix=f"Known: {', '.join(_OPENERS)}") from None
    except Exception as error:  # each library has errors of its own, and all of them mean a file that is not right
        raise _unusable(path, error) from None

    def computed(x: Arrays) -> Arrays:
        try:
            return run(x)
        except Exception as error:  # the same
            raise _unusable(path, error) from None

    return computed


def _unusable(path: Path, error: Exception) -> RunError:
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return RunError(f"the network cannot be used ({reason})", where=str(path), fix="Export the run again")


def _onnx(path: Path) -> Network:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; what is only slow is no message for a person
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def run(x: Arrays) -> Arrays:
        return tuple(session.run(None, dict(zip(names, x, strict=True))))

    return run


def _openvino(path: Path) -> Network:
    import openvino

    core = openvino.Core()
    model = core.compile_model(
        path, "CPU", {"INFERENCE_NUM_THREADS": usable_threads(), "INFERENCE_PRECISION_HINT": "f32"}
    )

    def run(x: Arrays) -> Arrays:
        found = model(list(x))
        return tuple(np.array(found[output]) for output in model.outputs)

    return run


def _torch(path: Path) -> Network:
    import torch

    module = torch.export.load(path).module()

    def run(x: Arrays) -> Arrays:
        with torch.inference_mode():
            return tuple(found.numpy() for found in module(*map(torch.from_numpy, x)))

    return run


_OPENERS: dict[str, Callable[[Path], Network]] = {"onnx": _onnx, "openvino": _openvino, "torch": _torch}
