"""Published encoders with a decoder, made here at random by transformers: the same in our modules, and back."""

import json

import pytest
import torch
from checkpoint_files import written_back

from sounding.architectures import checkpoints
from sounding.decoding.beam import Beams, BeamSearch
from sounding.decoding.constraints import Constraints
from sounding.decoding.source_decoder import SourceDecoder
from sounding.errors import DataError

transformers = pytest.importorskip("transformers", reason="transformers makes the checkpoints of these tests")

SIZES = {
    "vocab_size": 60,
    "d_model": 24,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_attention_heads": 3,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 40,
    "decoder_ffn_dim": 32,
    "max_position_embeddings": 30,
    "scale_embedding": True,
}
MARIAN = {**SIZES, "pad_token_id": 59, "decoder_start_token_id": 59, "eos_token_id": 0, "forced_eos_token_id": None}
APART = {"share_encoder_decoder_embeddings": False, "decoder_vocab_size": 57}
UNTIED = {"tie_word_embeddings": False}
T5 = {
    "vocab_size": 60,
    "d_model": 24,
    "d_kv": 10,
    "d_ff": 40,
    "num_layers": 2,
    "num_heads": 3,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 9,
    "decoder_start_token_id": 0,
}
MODELS = {
    "t5": ("T5ForConditionalGeneration", "T5Config", T5),
    "t5_gated": (
        "T5ForConditionalGeneration",
        "T5Config",
        {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    ),
    "marian": ("MarianMTModel", "MarianConfig", {**MARIAN, "activation_function": "swish"}),
    "marian_apart": (
        "MarianMTModel",
        "MarianConfig",
        {**MARIAN, **APART, "pad_token_id": 56, "decoder_start_token_id": 56},
    ),
    "bart": ("BartForConditionalGeneration", "BartConfig", {**SIZES, "scale_embedding": False}),
    "bart_scaled": ("BartForConditionalGeneration", "BartConfig", SIZES),
    "mbart": ("MBartForConditionalGeneration", "MBartConfig", {**SIZES, "decoder_start_token_id": 57}),
    "mbart_untied": (
        "MBartForConditionalGeneration",
        "MBartConfig",
        {**SIZES, **UNTIED, "decoder_start_token_id": 57, "activation_function": "relu"},
    ),
}


def made(name, folder, **save):
    """A random model of transformers, in a folder."""
    model, config, numbers = MODELS[name]
    torch.manual_seed(2)
    net = getattr(transformers, model)(getattr(transformers, config)(**numbers)).eval()
    for part, p in net.named_parameters():  # nothing is zero or one, so that every part matters
        if "embed_positions" not in part or "marian" not in name:  # those of Marian are no weights
            norm = "norm" in part and part.endswith("weight")
            deep = 0.25 if "t5" in name else 0.5  # T5's scores are not scaled down
            torch.nn.init.normal_(p, mean=float(norm), std=deep if p.ndim > 1 else 0.2)
    if hasattr(net, "final_logits_bias"):
        torch.nn.init.normal_(net.final_logits_bias, std=0.3)
    net.save_pretrained(folder, **save)
    return net


def texts():
    generator = torch.Generator().manual_seed(1)
    source, target = (torch.randint(3, 50, (4, n), generator=generator) for n in (11, 7))
    return source, torch.tensor([11, 6, 3, 1]), target


def attended(lengths):
    return (torch.arange(11) < lengths[:, None]).long()


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_logits_are_those_of_transformers(name, tmp_path):
    theirs = made(name, tmp_path)
    checkpoint = checkpoints.read(tmp_path)
    source, lengths, target = texts()
    expected = theirs(source, attention_mask=attended(lengths), decoder_input_ids=target).logits
    found = checkpoint.model().eval()(source, target, lengths)
    assert (found - expected).abs().max() < 1e-4
    assert expected.std() > 0.2
    assert (expected[0] - expected[1]).abs().max() > 0.1  # the source matters


def written(checkpoint, beams, limit, penalty=1.0):
    """What our search finds for the texts, without the token that begins and the one that ends."""
    writing, model = checkpoint.shape.writing, checkpoint.model().eval()
    source, lengths, _ = texts()
    prompt = [writing.start, *([] if writing.first is None else [writing.first])]
    decoder = SourceDecoder(model, source, lengths, limit + len(prompt))
    search = BeamSearch(
        decoder, [prompt] * 4, Beams(beams, penalty), limit, (writing.end,), Constraints(never=writing.never)
    )
    return [list(found[0].ids) for found in search.run()]


def expected(net, beams, limit, penalty=1.0, **options):
    """What transformers finds."""
    source, lengths, _ = texts()
    words = {"num_beams": beams, "do_sample": False, "max_new_tokens": limit, "length_penalty": penalty, **options}
    found = net.generate(source, attention_mask=attended(lengths), **words)[:, 1:].tolist()
    end = net.config.eos_token_id
    return [ids[: ids.index(end)] if end in ids else ids for ids in found]


@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_what_is_written_is_what_transformers_writes(name, beams, tmp_path):
    net = made(name, tmp_path)
    net.generation_config.forced_eos_token_id = None  # the last token of a text that is broken off is not replaced
    found = written(checkpoints.read(tmp_path), beams, 10)
    assert found == expected(net, beams, 10)
    assert len({tuple(ids) for ids in found}) > 1


@torch.no_grad()
def test_a_language_that_is_to_be_written_and_words_that_are_not_are_heeded(tmp_path):
    net = made("mbart", tmp_path)
    net.generation_config.forced_eos_token_id = None
    free = expected(net, 1, 8)
    net.generation_config.forced_bos_token_id = 55
    net.generation_config.bad_words_ids = [[free[0][0]], [free[1][1]], [7, 8]]
    net.save_pretrained(tmp_path)
    checkpoint = checkpoints.read(tmp_path)
    assert checkpoint.shape.writing == checkpoints.Writing(57, 55, 2, (free[0][0], free[1][1]))
    theirs = expected(net, 1, 8)
    assert [row[0] for row in theirs] == [55] * 4
    assert [row[:7] for row in written(checkpoint, 1, 8)] == [row[1:] for row in theirs]


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_what_is_written_back_is_read_by_transformers_with_equal_logits(name, tmp_path):
    theirs = made(name, tmp_path / "a")
    again = written_back(tmp_path / "a", tmp_path / "b", getattr(transformers, MODELS[name][0]))
    source, lengths, target = texts()
    words = {"attention_mask": attended(lengths), "decoder_input_ids": target}
    logits = again(source, **words).logits
    torch.testing.assert_close(logits, theirs(source, **words).logits, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_checkpoint_in_several_files_is_read_whole(tmp_path):
    theirs = made("bart", tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    source, _, target = texts()
    found = checkpoints.read(tmp_path).model().eval()(source, target)
    assert (found - theirs(source, decoder_input_ids=target).logits).abs().max() < 1e-4


def test_a_net_is_shaped_by_a_word(tmp_path):
    made("marian_apart", tmp_path)
    checkpoint = checkpoints.read(tmp_path)
    shape = checkpoints.shaped(checkpoints.shape_of("marian", checkpoint.shape))
    assert shape == checkpoint.shape
    assert shape.model(dropout=0.3).encoder.blocks[0].dropout.p == 0.3


def changed(folder, **words):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **words}))


def test_tensors_that_the_config_does_not_promise_are_named_one_by_one(tmp_path):
    made("bart", tmp_path)
    changed(tmp_path, decoder_ffn_dim=33, encoder_layers=3)
    with pytest.raises(DataError) as error:
        checkpoints.read(tmp_path)
    message = str(error.value)
    assert "encoder.blocks.2.attention.query.weight is missing" in message
    assert "; and " in message
    changed(tmp_path, encoder_layers=2)
    said = r"decoder.transformer.blocks.0.feed_forward.up.weight has the shape \[32, 24\].*promises \[33, 24\].*; dec"
    with pytest.raises(DataError, match=said):
        checkpoints.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("bart", {"model_type": "pegasus_x"}, "no architecture 'pegasus_x' is known"),
        ("bart", {"activation_function": "mish"}, "activation 'mish' is not known"),
        ("bart", {"forced_bos_token_id": 60}, "hold the token 60, and there are 60"),
        ("mbart", {"decoder_start_token_id": None}, "which token the decoder begins with.*the language to be written"),
    ],
)
def test_what_is_not_known_is_refused_with_the_file(name, words, said, tmp_path):
    made(name, tmp_path)
    (tmp_path / "generation_config.json").unlink()
    changed(tmp_path, **words)
    with pytest.raises(DataError, match=said) as error:
        checkpoints.read(tmp_path)
    assert "config.json" in str(error.value)


def test_pickles_are_refused_with_what_converts_them(tmp_path):
    made("marian", tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(DataError, match=r"pytorch_model.bin.*save_pretrained"):
        checkpoints.read(tmp_path)
