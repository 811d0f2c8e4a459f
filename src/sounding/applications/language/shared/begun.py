"""The net of a language model: as a recipe shapes it, or a published one, prepared to be trained on."""

from __future__ import annotations

from collections.abc import Callable

from sounding.architectures.checkpoints import shaped
from sounding.architectures.lora import tune
from sounding.architectures.transformer import LanguageModel


def begun(own: Callable[[], LanguageModel], *, architecture: str, dropout: float, how: str, rank: int) -> LanguageModel:
    """A new net: of a published `architecture` where one is named, else the application's `own`.

    `how` (see `lora.TUNING`) and `rank` are what of its trunk is trained.
    """
    model = shaped(architecture, dropout=dropout) if architecture else own()
    tune(model.transformer, how, rank)
    return model
