"""The numbers of a training. One dial (`size`) sets what depends on scale; `--set key=value` reaches any field."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from sounding.contract.settings import Settings
from sounding.errors import UsageError, did_you_mean

CHOICES: Mapping[str, Sequence[str]] = {
    "select": ("metric", "loss", "last"),
    "watchdog": ("falls", "finite"),
    "decay": ("cosine", "linear"),
}
"""The words that a field may hold."""

RANGES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("batch", "accumulate", "looked_at"), (1, math.inf)),
    **dict.fromkeys(("epochs", "least_steps", "tokens", "validations", "patience"), (0, math.inf)),
    **dict.fromkeys(("lr", "muon_lr", "matrix_lr", "weight_decay", "clip"), (0, math.inf)),
    **dict.fromkeys(("warmup", "hold", "smoothing", "average"), (0, 1)),
}
"""The least and the largest number that a field may hold."""


@dataclass(frozen=True)
class Recipe(Settings):
    """What every training needs. Applications subclass it to add widths, depths and augmentations of their own."""

    called: ClassVar[str] = "recipe"
    sizes: ClassVar[Mapping[str, Mapping[str, Any]]] = {"tiny": {}, "small": {}, "base": {}}
    """What each position of the dial sets, beyond the defaults."""

    models: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """What each choice of `model` sets, where a recipe has that field, beyond the defaults and the size."""

    shaping: ClassVar[Sequence[str]] = ()
    """The fields that shape the network: what begins with another run's weights takes them over from there."""

    begun: ClassVar[Mapping[str, Any]] = {}
    """What a training that begins with a published Transformer sets, beyond the defaults: it tunes what is there."""

    size: str = "small"
    epochs: float = 20.0
    least_steps: int = 300  # a training by the recipe's own epochs goes on to so many steps, however few the rows
    batch: int = 64  # examples a step
    tokens: int = 0  # positions a step, padding included, in batches of like length; 0: `batch` examples of any length
    accumulate: int = 1  # slices that a step's batch is cut into, to need less memory
    optimizer: str = "muon"  # muon (for matrices and filters, adamw for the rest), adamw or sgd (Nesterov momentum 0.9)
    lr: float = 2e-3  # peak learning rate
    muon_lr: float = 0.05  # peak length of Muon's steps of filters, as a share of the length of what they change
    matrix_lr: float = 0.0  # peak spectral norm of Muon's steps of square matrices; 0: as long as AdamW's at `lr`
    weight_decay: float = 0.01
    warmup: float = 0.1  # share of the training over which the learning rate rises
    hold: float = 0.0  # share of the training until which it then stays at its peak
    decay: str = "cosine"  # how it then falls to 0: cosine or linear
    smoothing: float = 0.0  # label smoothing, for losses over categories
    average: float = 0.99  # decay per step of the moving average of weights that is kept; 0 keeps the last weights
    clip: float = 1.0  # largest norm of a gradient; 0 does not clip
    validations: int = 20  # how often a training looks at the validation rows
    looked_at: int = 1_000  # validation rows, at most, that choose the best weights; more cost time and change little
    select: str = "metric"  # weights that are kept: best by metric or by loss on the validation rows, or the last
    watchdog: str = "falls"  # what a healthy loss does: falls, or is finite (where targets are moved by the learning)
    patience: int = 0  # validations without improvement before stopping early; 0 never stops early

    def __post_init__(self) -> None:
        """Raises UsageError for a word that is none of those that are known, and for a number out of its range."""
        for name, known in CHOICES.items():
            word = getattr(self, name)
            if word not in known:
                raise UsageError(f"{name}={word} is not known", fix=did_you_mean(word, known))
        for name, (least, most) in RANGES.items():
            number = getattr(self, name)
            if not least <= number <= most:
                limits = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
                raise UsageError(f"{name}={number} is out of range", fix=f"Give {name} a number {limits}")

    @classmethod
    def make(cls, size: str = "small", settings: Mapping[str, Any] | None = None) -> Self:
        """The recipe of a size, and of the `model` that is asked for, with `settings` over it.

        Strings are read as the field's type. Raises UsageError for an unknown size or field and for a value that cannot
        be read.
        """
        if size not in cls.sizes:
            raise UsageError(f"no size {size!r}", fix=did_you_mean(size, cls.sizes))
        of_model = cls.models.get((settings or {}).get("model", ""), {})
        return cls(size=size).changed({**cls.sizes[size], **of_model, **(settings or {})})

    @classmethod
    def planned(cls, size: str, settings: Mapping[str, Any], seconds: float | None) -> Self:
        """The recipe of a training that may take so many seconds, where that is known: by default as `make` says."""
        return cls.make(size, settings)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The recipe that gave `values`; fields it does not know raise UsageError."""
        return cls.make(values.get("size", "small"), values)


@dataclass(frozen=True)
class BegunRecipe(Recipe):
    """The numbers of a training that may begin with a published Transformer."""

    published: ClassVar[str] = "transformer"
    """What such weights are of: a Transformer that reads, or whisper, which hears."""

    architecture: str = ""  # the shape of a published Transformer, as --from reads it (JSON); ahead of the recipe's own
    tune: str = "full"  # what is trained of weights that are begun with: full, lora, or frozen (all but the scores)
    rank: int = 8  # of lora's matrices
