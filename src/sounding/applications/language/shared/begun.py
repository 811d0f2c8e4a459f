"""What a Transformer begins with: as a recipe shapes it, or a published one, and which of its weights are trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sounding.architectures.checkpoints import shaped
from sounding.architectures.lora import tune
from sounding.architectures.transformer import LanguageModel
from sounding.contract.recipe import Recipe


@dataclass(frozen=True)
class BegunRecipe(Recipe):
    """The numbers of a training that may begin with a published Transformer."""

    architecture: str = ""  # the shape of a published Transformer, as --from reads it (JSON); ahead of the recipe's own
    tune: str = "full"  # what is trained of weights that are begun with: full, lora, or frozen (all but the scores)
    rank: int = 8  # of lora's matrices


def begun(own: Callable[[], LanguageModel], recipe: BegunRecipe, dropout: float) -> LanguageModel:
    """A new language model: a published one where the recipe names its shape, else the application's `own`.

    Of its trunk is trained what the recipe says.
    """
    model = shaped(recipe.architecture, dropout=dropout) if recipe.architecture else own()
    tune(model.transformer, recipe.tune, recipe.rank)
    return model
