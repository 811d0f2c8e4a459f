"""The course of a training where TensorBoard shows it, beside metrics.csv, which is always written.

Event files are written by torch's own writer, which needs the package tensorboard: the extra `tensorboard`. Their tags:
`loss/training` and `examples_per_second` for every step; `loss/validation`, `metric/NAME`, `learning_rate` and `epoch`
for every look at the validation rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sounding.errors import UsageError, did_you_mean
from sounding.training.progress import Reporter, Standing

LOGS = ("csv", "tensorboard")
FOLDER = "tensorboard"
"""The folder of event files, beside metrics.csv."""


def check_log(name: str) -> None:
    """Raise UsageError for a log that there is none of, and for one whose package is missing."""
    if name not in LOGS:
        raise UsageError(f"no log {name!r}", fix=did_you_mean(name, LOGS))
    if name == "tensorboard":
        try:
            import torch.utils.tensorboard  # noqa: F401
        except ImportError:
            fix = "Install it: pip install 'sounding[tensorboard]'. metrics.csv is written without it"
            raise UsageError("--log tensorboard needs the package tensorboard", fix=fix) from None


class EventLog(Reporter):
    """Writes what it hears into event files of `folder`. A training that goes on hides what it does again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    def stepped(self, standing: Standing) -> None:
        """The loss and the speed of a step."""
        writer = self._opened(standing.step)
        writer.add_scalar("loss/training", standing.loss, standing.step)
        writer.add_scalar("examples_per_second", standing.rate, standing.step)

    def validated(self, row: Mapping[str, Any]) -> None:
        """What the validation rows gave."""
        step, writer = row["step"], self._opened(row["step"])
        named = {"validation_loss": "loss/validation", "learning_rate": "learning_rate", "epoch": "epoch"}
        for name, value in row.items():
            if name in named:
                writer.add_scalar(named[name], value, step)
            elif name not in ("step", "seconds", "training_loss"):
                writer.add_scalar(f"metric/{name}", value, step)

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    def _opened(self, step: int) -> Any:
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder), purge_step=step)
        return self._writer
