"""Checkpoints of Hugging Face, made here at random by transformers, against the same in our modules, and back."""

import json

import pytest
import torch
from checkpoint_files import written_back

from sounding.architectures import checkpoints
from sounding.errors import DataError

transformers = pytest.importorskip("transformers", reason="transformers makes the checkpoints of these tests")

BERT = {
    "vocab_size": 60,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 30,
}
LLAMA = {**BERT, "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "hidden_size": 32}
GPT2 = {
    "vocab_size": 60,
    "n_embd": 24,
    "n_layer": 2,
    "n_head": 3,
    "n_positions": 30,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
DISTIL = {"vocab_size": 60, "dim": 24, "n_layers": 2, "n_heads": 3, "hidden_dim": 40, "max_position_embeddings": 30}
MODELS = {
    "bert": ("BertForMaskedLM", "BertConfig", BERT),
    "roberta": ("RobertaForMaskedLM", "RobertaConfig", {**BERT, "pad_token_id": 1, "type_vocab_size": 1}),
    "distilbert": ("DistilBertForMaskedLM", "DistilBertConfig", DISTIL),
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", GPT2),
    "llama": ("LlamaForCausalLM", "LlamaConfig", {**LLAMA, "rope_theta": 5000.0}),
    "llama_tied": ("LlamaForCausalLM", "LlamaConfig", {**LLAMA, "tie_word_embeddings": True, "head_dim": 16}),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Config", LLAMA),
}


def made(name, folder, **save):
    """A random model of transformers, in a folder."""
    model, config, numbers = MODELS[name]
    torch.manual_seed(0)
    net = getattr(transformers, model)(getattr(transformers, config)(**numbers)).eval()
    for p in net.parameters():  # nothing is zero or one, so that every part matters
        torch.nn.init.normal_(p, mean=0.02, std=0.2)
    net.save_pretrained(folder, **save)
    return net


def texts():
    ids = torch.randint(3, 60, (3, 11), generator=torch.Generator().manual_seed(1))
    return ids, torch.tensor([11, 6, 3])


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_logits_are_those_of_transformers(name, tmp_path):
    theirs = made(name, tmp_path)
    checkpoint = checkpoints.read(tmp_path)
    model = checkpoint.model().eval()
    ids, lengths = texts()
    within = torch.arange(11) < lengths[:, None]
    expected = theirs(ids, attention_mask=within.long()).logits
    found = model(ids, lengths)
    assert checkpoint.scores
    assert (found - expected)[within].abs().max() < 1e-4
    assert expected[within].abs().max() > 0.5


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_what_is_written_back_is_read_by_transformers_with_equal_logits(name, tmp_path):
    theirs = made(name, tmp_path / "a")
    again = written_back(tmp_path / "a", tmp_path / "b", getattr(transformers, MODELS[name][0]))
    ids, _ = texts()
    torch.testing.assert_close(again(ids).logits, theirs(ids).logits, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_an_encoder_without_a_head_gives_the_vectors_of_transformers(tmp_path):
    torch.manual_seed(0)
    theirs = transformers.BertModel(transformers.BertConfig(**BERT)).eval()
    theirs.save_pretrained(tmp_path)
    checkpoint = checkpoints.read(tmp_path)
    ids, lengths = texts()
    within = torch.arange(11) < lengths[:, None]
    expected = theirs(ids, attention_mask=within.long()).last_hidden_state
    assert not checkpoint.scores
    found = checkpoint.model().eval().transformer(ids, lengths)
    assert (found - expected)[within].abs().max() < 1e-4


@torch.no_grad()
def test_a_checkpoint_in_several_files_is_read_whole(tmp_path):
    theirs = made("gpt2", tmp_path, max_shard_size="10KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    ids, _ = texts()
    assert (checkpoints.read(tmp_path).model().eval()(ids) - theirs(ids).logits).abs().max() < 1e-4


def test_a_net_is_shaped_by_a_word(tmp_path):
    made("llama", tmp_path)
    checkpoint = checkpoints.read(tmp_path)
    net = checkpoints.shaped(checkpoints.shape_of("llama", checkpoint.shape)).model(dropout=0.3)
    assert {name: p.shape for name, p in net.named_parameters()} == {
        name: p.shape for name, p in checkpoint.model().named_parameters()
    }
    assert net.transformer.blocks[0].dropout.p == 0.3


def changed(folder, **words):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **words}))


def test_a_config_that_does_not_fit_its_tensors_is_refused_by_the_name_of_one(tmp_path):
    made("bert", tmp_path)
    changed(tmp_path, intermediate_size=41)
    with pytest.raises(DataError, match=r"feed_forward.up.weight has the shape \[40, 24\].*promises \[41, 24\]"):
        checkpoints.read(tmp_path)
    changed(tmp_path, intermediate_size=40, num_hidden_layers=3)
    with pytest.raises(DataError, match=r"blocks\.2\.attention\.query\.weight is missing"):
        checkpoints.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("bert", {"model_type": "brt"}, "no architecture 'brt' is known.*bert"),
        ("bert", {"hidden_act": "swish2"}, "activation 'swish2' is not known"),
        ("llama", {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "rotary positions are scaled"),
        ("llama", {"mlp_bias": True}, "biases"),
    ],
)
def test_what_is_not_known_is_refused_with_the_file(name, words, said, tmp_path):
    made(name, tmp_path)
    changed(tmp_path, **words)
    with pytest.raises(DataError, match=said) as error:
        checkpoints.read(tmp_path)
    assert "config.json" in str(error.value)


def test_pickles_and_damaged_files_are_refused(tmp_path):
    made("gpt2", tmp_path)
    weights = tmp_path / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="the weights cannot be read"):
        checkpoints.read(tmp_path)
    weights.unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(DataError, match=r"are a pickle \(pytorch_model.bin\)"):
        checkpoints.read(tmp_path)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "../secret.safetensors"}}))
    with pytest.raises(DataError, match="outside of the folder"):
        checkpoints.read(tmp_path)


def test_other_folders_are_no_checkpoints(tmp_path):
    assert not checkpoints.is_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text('{"schema": 2}')
    assert not checkpoints.is_checkpoint(tmp_path)
    with pytest.raises(DataError, match="no config of a model"):
        checkpoints.read(tmp_path)
