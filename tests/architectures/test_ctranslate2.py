"""Whisper as CTranslate2 keeps it: written here after its format, and read as transformers has the same weights."""

from __future__ import annotations

import json
import struct

import pytest
import torch

from sounding.architectures import checkpoints
from sounding.architectures.checkpoints import ctranslate2
from sounding.errors import DataError, UsageError
from sounding.runs.published import installed
from sounding.runs.transfer import opened

transformers = pytest.importorskip("transformers", reason="transformers makes the weights of these tests")

from whisper_files import made  # noqa: E402

KINDS = {torch.float32: 0, torch.int8: 1, torch.int16: 2, torch.float16: 4}


def name(word: str) -> bytes:
    return struct.pack("<H", len(word) + 1) + word.encode() + b"\0"


def packed(variables, aliases=(), kind="WhisperSpec", version=6) -> bytes:
    """A model.bin."""
    data = struct.pack("<I", version) + name(kind) + struct.pack("<II", 3, len(variables))
    for word, tensor in variables.items():
        values = tensor.contiguous().numpy().tobytes()
        data += name(word) + struct.pack(f"<B{tensor.ndim}I", tensor.ndim, *tensor.shape)
        data += struct.pack("<BI", KINDS[tensor.dtype], len(values)) + values
    return data + struct.pack("<I", len(aliases)) + b"".join(name(word) for pair in aliases for word in pair)


def as_ctranslate2(net, half=False):
    """The weights of a net of transformers under CTranslate2's names, which put some matrices together."""
    c, found = net.config, {}

    def put(word, *parts):
        for kind, ours in (("weight", "weight"), ("bias", "bias")):
            if any(getattr(part, kind, None) is not None for part in parts):
                rows = [
                    getattr(p, kind) if getattr(p, kind) is not None else torch.zeros(p.out_features) for p in parts
                ]
                found[f"{word}/{ours}"] = torch.cat([row.detach() for row in rows])

    def norm(word, part):
        found[f"{word}/gamma"], found[f"{word}/beta"] = part.weight.detach(), part.bias.detach()

    for side, part in (("encoder", net.model.encoder), ("decoder", net.model.decoder)):
        found[f"{side}/position_encodings/encodings"] = part.embed_positions.weight.detach()
        norm(f"{side}/layer_norm", part.layer_norm)
        heads = c.encoder_attention_heads if side == "encoder" else c.decoder_attention_heads
        found[f"{side}/num_heads"] = torch.tensor(heads, dtype=torch.int16)
        for k, layer in enumerate(part.layers):
            own = f"{side}/layer_{k}"
            norm(f"{own}/self_attention/layer_norm", layer.self_attn_layer_norm)
            attention = layer.self_attn
            put(f"{own}/self_attention/linear_0", attention.q_proj, attention.k_proj, attention.v_proj)
            put(f"{own}/self_attention/linear_1", attention.out_proj)
            if side == "decoder":
                norm(f"{own}/attention/layer_norm", layer.encoder_attn_layer_norm)
                attention = layer.encoder_attn
                put(f"{own}/attention/linear_0", attention.q_proj)
                put(f"{own}/attention/linear_1", attention.k_proj, attention.v_proj)
                put(f"{own}/attention/linear_2", attention.out_proj)
            norm(f"{own}/ffn/layer_norm", layer.final_layer_norm)
            put(f"{own}/ffn/linear_0", layer.fc1)
            put(f"{own}/ffn/linear_1", layer.fc2)
    for k in (1, 2):
        put(f"encoder/conv{k}", getattr(net.model.encoder, f"conv{k}"))
    found["decoder/embeddings/weight"] = net.model.decoder.embed_tokens.weight.detach()
    found = {word: t.half() if half and t.dtype == torch.float32 else t for word, t in found.items()}
    return {**found, "decoder/activation": torch.tensor(3, dtype=torch.int8)}


ALIAS = (("decoder/projection/weight", "decoder/embeddings/weight"),)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder as faster-whisper has it, and the net of transformers that it holds."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    net = made(tmp_path / "theirs")
    place = tmp_path / "ours"
    place.mkdir()
    (place / "model.bin").write_bytes(packed(as_ctranslate2(net), ALIAS))
    told = net.generation_config
    config = {"suppress_ids": told.suppress_tokens, "suppress_ids_begin": [5], "alignment_heads": [[1, 0]]}
    (place / "config.json").write_text(json.dumps(config))
    (place / "tokenizer.json").write_bytes((tmp_path / "theirs" / "tokenizer.json").read_bytes())
    return place, net


@torch.no_grad()
def test_the_weights_are_those_that_were_converted(folder):
    place, net = folder
    start = opened(str(place))
    x, y = torch.randn(1, 150, 80), torch.tensor([[3, 4, 5]])
    theirs = transformers.WhisperForConditionalGeneration.from_pretrained(start.published).eval()
    model = checkpoints.read(start.published).model().eval()
    expected = net(x.transpose(1, 2), decoder_input_ids=y).logits
    found = model.scores(model.decoded(y, model.remember(x)))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(theirs(x.transpose(1, 2), decoder_input_ids=y).logits, expected, rtol=1e-4, atol=1e-4)
    writing = checkpoints.shaped(start.shaping["architecture"]).writing
    assert (writing.heads, writing.not_first, writing.multilingual) == (((1, 0),), (5,), False)
    assert set(net.generation_config.suppress_tokens) == set(writing.never)
    assert opened(str(place)).published == start.published  # it is kept


def test_half_the_bytes_are_read_as_well(folder):
    place, net = folder
    (place / "model.bin").write_bytes(packed(as_ctranslate2(net, half=True), ALIAS))
    weights = opened(str(place)).weights
    expected = net.model.decoder.layers[1].encoder_attn.v_proj.weight.half().float()
    assert torch.equal(weights["decoder.transformer.blocks.1.memory_attention.value.weight"], expected)


def test_what_is_damaged_small_or_something_else_is_refused(folder):
    place, net = folder
    whole = (place / "model.bin").read_bytes()
    small = {word: t.to(torch.int8) if word.endswith("0/weight") else t for word, t in as_ctranslate2(net).items()}
    for data, message in (
        (whole[:5000], "damaged"),
        (whole[:40], "damaged"),
        (packed(as_ctranslate2(net), ALIAS, version=9), "format 9"),
        (packed(small, ALIAS), "int8"),
        (packed({**as_ctranslate2(net), "decoder/activation": torch.tensor(0, dtype=torch.int8)}, ALIAS), "activation"),
    ):
        (place / "model.bin").write_bytes(data)
        with pytest.raises(DataError, match=message):
            ctranslate2.read(place)
    (place / "model.bin").write_bytes(whole)
    (place / "tokenizer.json").unlink()
    with pytest.raises(DataError, match="tokenizer"):
        opened(str(place))


def test_the_published_weights_of_the_package_are_whole():
    try:
        place = installed("whisper-tiny.en")
    except UsageError as error:
        pytest.skip(str(error))
    found = ctranslate2.read(place)
    with torch.device("meta"):
        theirs = transformers.WhisperForConditionalGeneration(transformers.WhisperConfig(vocab_size=51_864))
    expected = {name: p.shape for name, p in theirs.named_parameters() if name != "proj_out.weight"}
    assert {name: tensor.shape for name, tensor in found.tensors.items()} == expected
    assert found.config["eos_token_id"] == 50_256
    assert found.generation["suppress_tokens"][:3] == [1, 2, 7]
