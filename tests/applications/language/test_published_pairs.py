"""Beginning a translation with a published encoder and decoder: what transformers writes before anything is learnt."""

import marian_files
import pytest
import torch

import sounding as sd
from sounding.modalities.text.tokenizer import Tokenizer

transformers = pytest.importorskip("transformers", reason="transformers makes the checkpoints of these tests")

PAIRS = [
    sd.Example(a, b)
    for a, b in (
        ("The dog sees the house.", "Der Hund sieht das Haus."),
        ("The bird likes the red boat.", "Der Vogel mag das rote Boot."),
        ("The guest has 42 years.", "Der Gast hat 42 Jahre."),
        ("The boy paints a small picture.", "Der Junge malt ein kleines Bild."),
    )
] * 10
TEXTS = ["The dog likes the boat.", "The old guest has a new house.", "Today the boy sees 42 birds."]
SIZES = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": 64,
}


def published(folder, kind):
    """A random model of transformers with its tokenizer, in a folder."""
    folder.mkdir()
    if kind == "marian":
        marian_files.write(folder)
        words = marian_files.VOCABULARY
        pad = words.index("<pad>")
        ends = {"pad_token_id": pad, "decoder_start_token_id": pad, "eos_token_id": words.index("</s>")}
        config = transformers.MarianConfig(
            vocab_size=len(words), **SIZES, **ends, scale_embedding=True, forced_eos_token_id=None
        )
        net = transformers.MarianMTModel(config)
        net.generation_config.bad_words_ids = [[pad]]
    else:
        tokenizer = Tokenizer.train("bpe", [text for pair in PAIRS for text in (pair.input, pair.target)], 300)
        tokenizer.between([3], [4]).save(folder / "tokenizer.json")
        (folder / "tokenizer_config.json").write_text('{"bos_token": "[START]", "eos_token": "[END]"}')
        ends = {"pad_token_id": 0, "bos_token_id": 3, "eos_token_id": 4, "decoder_start_token_id": 4}
        config = transformers.BartConfig(vocab_size=len(tokenizer), **SIZES, **ends, forced_eos_token_id=None)
        net = transformers.BartForConditionalGeneration(config)
        net.generation_config.forced_bos_token_id = 3
    torch.manual_seed(0)
    for name, p in net.named_parameters():
        if p.ndim > 1 and not (kind == "marian" and "embed_positions" in name):
            torch.nn.init.normal_(p, std=0.4)
    net.save_pretrained(folder)
    return net.eval()


def trained(start, out, task="translate", **settings):
    settings = {"size": "tiny", "steps": 1, "card": None, "validations": 1, "precision": "fp32", **settings}
    return sd.train(task, PAIRS, out=out, start=str(start), **settings)


CASES = [("translate", "marian", 1), ("translate", "marian", 4), ("summarize", "bart", 1)]


@pytest.mark.parametrize(("task", "kind", "beams"), CASES)
def test_untrained_it_writes_what_transformers_writes(tmp_path, task, kind, beams):
    net = published(tmp_path / kind, kind)
    run = trained(tmp_path / kind, tmp_path / "run", task, lr=0)
    assert run.run.config["transfer"]["share"] == 1
    task = run.task
    for text, answer in zip(TEXTS, run(TEXTS, beams=beams, length=9, shortest=1, no_repeat=0, in_a_row=0), strict=True):
        ids = torch.from_numpy(task.input.encode([text]).ids.numpy())
        begun = len(task.target.ahead) - 1  # what every text begins with is written for transformers
        words = {"max_new_tokens": begun + 9, "min_new_tokens": begun + 1, "do_sample": False}
        found = net.generate(ids, num_beams=beams, **words)[0].tolist()
        assert str(answer.value) == task.target.tokenizer.decode(found).strip()
        assert answer.value


@pytest.mark.parametrize(("kind", "tuning"), [("marian", "full"), ("bart", "lora")])
def test_what_was_trained_loads_back_in_transformers_with_equal_logits(tmp_path, kind, tuning):
    before = published(tmp_path / kind, kind)
    run = trained(tmp_path / kind, tmp_path / "run", lr=1e-2, steps=5, tune=tuning)
    folder = run.dir / "best" / "transformers"
    after = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    x, y = run.task.input.encode(TEXTS[:1]).ids, run.task.target.encode(["Das Haus ist rot."]).ids
    with torch.no_grad():
        logits = sd.load(run.dir).module(x, y)
        torch.testing.assert_close(after(x, decoder_input_ids=y).logits, logits, atol=1e-4, rtol=1e-4)
        assert (before(x, decoder_input_ids=y).logits - logits).abs().max() > 0.01  # it has learnt something
    again = trained(folder, tmp_path / "again", lr=0)
    assert [str(a.value) for a in again(TEXTS)] == [str(a.value) for a in run(TEXTS)]


def test_weights_of_another_kind_are_refused(tmp_path):
    published(tmp_path / "marian", "marian")
    with pytest.raises(sd.UsageError, match=r"an encoder with a decoder.*Begin a translation"):
        sd.train("generate", TEXTS * 9, out=tmp_path / "run", start=str(tmp_path / "marian"), steps=1, card=None)
    tokenizer = Tokenizer.train("wordpiece", TEXTS, 100)
    tokenizer.save(tmp_path / "tokenizer.json")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}
    net = transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=len(tokenizer), **sizes))
    net.save_pretrained(tmp_path)
    with pytest.raises(sd.UsageError, match=r"an encoder or a decoder alone.*Marian, BART"):
        trained(tmp_path, tmp_path / "run")
    with pytest.raises(sd.UsageError, match="nothing that copies"):
        trained(tmp_path / "marian", tmp_path / "run", copying=True)
    assert not (tmp_path / "run").exists()
