"""The finished sections of a card that is being measured, each saved at once, so that a kill costs one section at most.

    run/card.parts/<profile>/<id>.json     a section with its pictures and what measuring it cost
    run/card.parts/<profile>/<id>.error    the traceback of a section that failed
    run/card.parts/<profile>/scores.json   trainings of a section that is not finished, by name

A part is taken only where everything that it depends on is the same: its key is a digest of that. A part that is
damaged, or of another key, is measured again.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import traceback
from collections import UserDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sounding.card.storage import finite, read_section
from sounding.contract.evidence import Clip, Figure, Section
from sounding.errors import RunError
from sounding.files import read_json, write, write_json
from sounding.machine.metering.meter import Cost

FOLDER = "card.parts"


@dataclass(frozen=True)
class Part:
    """A section that was measured, and what that cost (None where it is not known)."""

    section: Section
    cost: Cost | None = None


@dataclass(frozen=True)
class Parts:
    """The parts in `folder` that were measured under `key`."""

    folder: Path
    key: str

    def open(self) -> None:
        """Make the folder. Raises RunError when nothing can be written there: better now than after an hour."""
        write(self.folder / "key", self.key + "\n")

    def get(self, id: str) -> Part | None:
        """The part called `id`, or None where there is none that can be used."""
        try:
            values = read_json(self.folder / f"{id}.json")
            if values["key"] != self.key or values["section"]["id"] != id:
                return None
            figures = tuple(map(_figure, values["figures"]))
            cost = Cost.from_json(values["cost"]) if values["cost"] else None
            return Part(replace(read_section(values["section"], None), figures=figures), cost)
        except (RunError, KeyError, TypeError, ValueError, AttributeError):
            return None

    def keep(self, part: Part) -> None:
        """Save the part in one step. Raises RunError when the disk is full."""
        section, cost = part.section, part.cost
        values: dict[str, Any] = {
            "key": self.key,
            "section": section.to_json(),
            "figures": [asdict(figure) for figure in section.figures],
            "cost": cost and cost.to_json(),
        }
        write_json(self.folder / f"{section.id}.json", finite(values))

    def scores(self) -> Scores:
        """Scores of single trainings, which outlive the process like the parts do."""
        return Scores(self.folder / "scores.json", self.key)

    def explain(self, id: str, error: Exception) -> None:
        """Keep the traceback of a section that failed, for whoever mends it."""
        with contextlib.suppress(RunError):
            write(self.folder / f"{id}.error", "".join(traceback.format_exception(error)))

    def clear(self) -> None:
        """Remove all parts: the card that they were for is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()  # unless another profile has parts there


def _figure(values: Mapping[str, Any]) -> Figure:
    """The figure that gave `values` as a dictionary."""
    return Figure(**{**values, "clips": tuple(Clip(**clip) for clip in values["clips"])})


class Scores(UserDict[str, float]):
    """A mapping that is written to `path` with every entry; what is there of another key, or damaged, is not read."""

    def __init__(self, path: Path, key: str) -> None:
        super().__init__()
        self._path, self._key = path, key
        with contextlib.suppress(RunError, KeyError, TypeError, ValueError, AttributeError):
            values = read_json(path)
            if values["key"] == key:
                self.data.update({str(name): float(score) for name, score in values["scores"].items()})

    def __setitem__(self, name: str, score: float) -> None:
        super().__setitem__(name, score)
        write_json(self._path, {"key": self._key, "scores": dict(self)})


def fingerprint(model: nn.Module, *words: object) -> str:
    """A digest of the model's weights and of `words`: whatever else a measurement depends on."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    digest.update("\x1f".join(map(str, words)).encode(errors="surrogatepass"))
    return digest.hexdigest()
