"""Writing the weights of a net as a layout names them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sounding.architectures.checkpoints import pair, whisper
from sounding.architectures.checkpoints.layout import Layout, each, scale_of
from sounding.architectures.checkpoints.reading import layout_of
from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.transformer import LanguageModel
from sounding.architectures.whisper import Whisper


def written(model: LanguageModel | EncoderDecoder | Whisper, config: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of a net under the names of the layout that goes with a config.json.

    Low-rank matrices beside the weights are left out: what they learnt is in these once they are merged.
    """
    known = layout_of(config)
    scales = known.scales(config)
    own = {
        name: tensor / scale_of(name, scales) if scales else tensor
        for name, tensor in model.state_dict().items()
        if name.endswith((".weight", ".bias"))
    }
    if isinstance(model, Whisper):
        layers = {"n": model.encoder.config.layers, "m": model.decoder.transformer.config.layers}
        own = whisper.written(own, config)
    elif isinstance(model, EncoderDecoder):
        layers = {"n": model.encoder.config.layers, "m": model.decoder.transformer.config.layers}
        own = _named_as(own, config)
    else:
        layers = {"n": model.transformer.config.layers}
        if config.get("tie_word_embeddings", True):
            own.pop("output.weight")
    alone = {ours: theirs for theirs, ours in known.alone.items()}
    found = {alone[name]: own.pop(name)[None] for name in list(own) if name in alone}
    found |= _fused(own, known, layers)
    names = {ours: f"{known.prefix}{theirs}" for theirs, ours in each(known.trunk, layers)}
    for theirs, ours in known.head:
        names.setdefault(ours, theirs)
    for name, tensor in own.items():
        part, _, kind = name.rpartition(".")
        found[f"{names[part]}.{kind}"] = tensor
    return {
        name: tensor.T.contiguous() if name.endswith("weight") and _is_transposed(name, known) else tensor.contiguous()
        for name, tensor in found.items()
    }


def _named_as(own: dict[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a pair; what is one matrix by the config is there once, under the name that files have for it."""
    tied = pair.is_tied(config)
    if tied:
        del own[pair.OUTPUT]
    if pair.is_shared(config):
        own[pair.SHARED] = own[pair.ENCODER_TOKENS].clone()
        if tied:
            del own[pair.ENCODER_TOKENS], own[pair.DECODER_TOKENS]
    return own


def _fused(own: dict[str, Tensor], layout: Layout, layers: Mapping[str, int]) -> dict[str, Tensor]:
    """Matrices that hold several of ours, which are taken out of `own`."""
    found: dict[str, Tensor] = {}
    for theirs, *several in each([(theirs, *ours) for theirs, ours in layout.fused.items()], layers):
        for kind in ("weight", "bias"):
            parts = [own.pop(f"{ours}.{kind}") for ours in several]
            found[f"{layout.prefix}{theirs}.{kind}"] = torch.cat(parts)
    return found


def _is_transposed(name: str, layout: Layout) -> bool:
    return any(re.search(rf"\.{re.escape(each)}\.weight$", name) for each in layout.transposed)
