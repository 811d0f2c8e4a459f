"""What a Transformer begins with: as a recipe shapes it, or a published one, and which of its weights are trained."""

from __future__ import annotations

from collections.abc import Callable

from sounding.architectures.checkpoints import PairShape, SingleShape, SpeechShape, shaped
from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.lora import tune
from sounding.architectures.transformer import LanguageModel
from sounding.contract.recipe import BegunRecipe
from sounding.errors import UsageError


def begun(own: Callable[[], LanguageModel], recipe: BegunRecipe, dropout: float) -> LanguageModel:
    """A new language model: a published one where the recipe names its shape, else the application's `own`.

    Of its trunk is trained what the recipe says. Raises UsageError where it is another kind of net.
    """
    model = single(recipe).model(dropout=dropout) if recipe.architecture else own()
    tune(model.transformer, recipe.tune, recipe.rank)
    return model


def begun_pair(own: Callable[[], EncoderDecoder], recipe: BegunRecipe, dropout: float) -> EncoderDecoder:
    """The same of an encoder with a decoder."""
    model = pair(recipe).model(dropout=dropout) if recipe.architecture else own()
    for trunk in (model.encoder, model.decoder.transformer):
        tune(trunk, recipe.tune, recipe.rank)
    return model


def single(recipe: BegunRecipe) -> SingleShape:
    """The encoder or decoder that the recipe begins with. Raises UsageError where it is both in one."""
    shape = _of_texts(recipe)
    if isinstance(shape, PairShape):
        what = "these weights are of an encoder with a decoder, and what is trained here is one of the two"
        raise UsageError(what, fix="Begin a translation or a summarization with them")
    return shape


def pair(recipe: BegunRecipe) -> PairShape:
    """The encoder with a decoder that the recipe begins with. Raises UsageError where it is one of the two."""
    shape = _of_texts(recipe)
    if isinstance(shape, SingleShape):
        what = "these weights are of an encoder or a decoder alone, and what is trained here has both"
        raise UsageError(what, fix="Begin with weights of Marian, BART, mBART or T5")
    return shape


def _of_texts(recipe: BegunRecipe) -> SingleShape | PairShape:
    """The Transformer that the recipe begins with. Raises UsageError for one that hears."""
    shape = shaped(recipe.architecture)
    if isinstance(shape, SpeechShape):
        what = "these weights hear speech, and what is trained here reads"
        raise UsageError(what, fix="Begin a transcription with them: sounding train transcribe")
    return shape
