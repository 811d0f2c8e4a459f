"""The nets of transformers that compute what ours do, with the same weights."""

from __future__ import annotations

from typing import Any

import torch

from sounding.architectures import checkpoints
from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.transformer import sinusoids

PLACES = 512
"""Positions that the sines are computed for."""


def m2m100(model: EncoderDecoder, start: int, end: int) -> Any:
    """An encoder-decoder as `translate` builds it, as M2M100 of transformers: norms ahead, sines, ReLU, tied.

    Names are those of mBART, which has learned positions. M2M100's sines have other wavelengths than those of the
    paper, and no weights: ours are put in their place. Padding is the token 0.
    """
    import transformers

    c = model.decoder.transformer.config
    sides = ("encoder", "decoder")
    config = transformers.M2M100Config(
        vocab_size=c.vocabulary,
        d_model=c.width,
        max_position_embeddings=PLACES,
        **{f"{side}_layers": c.layers for side in sides},
        **{f"{side}_attention_heads": c.heads for side in sides},
        **{f"{side}_ffn_dim": c.feed_forward for side in sides},
        **{f"{side}_layerdrop": 0.0 for side in sides},
        dropout=c.dropout,
        attention_dropout=0.0,
        pad_token_id=0,
        bos_token_id=start,
        eos_token_id=end,
        decoder_start_token_id=start,
    )
    net = transformers.M2M100ForConditionalGeneration(config)
    weights = checkpoints.written(model, {"model_type": "mbart", "tie_word_embeddings": True})
    missing, unexpected = net.load_state_dict(weights, strict=False)
    aliases = {"model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight"}
    if unexpected or set(missing) - aliases:
        raise SystemExit(f"the weights do not fit: {missing} are missing, {unexpected} unknown")
    net.tie_weights()
    for side in (net.model.encoder, net.model.decoder):
        table = side.embed_positions.weights
        table.zero_()
        table[1:] = sinusoids(torch.arange(len(table) - 1), c.width)
    return net.eval()
