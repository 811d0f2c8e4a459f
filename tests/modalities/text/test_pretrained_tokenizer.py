"""A given tokenizer.json: the ids are those that transformers makes of the same file, special tokens included."""

from __future__ import annotations

import json

import pytest
import tokenizers
import torch
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

import sounding as sd
from sounding.modalities.text.text import Text
from sounding.modalities.text.tokenizer import Tokenizer

TEXTS = (
    "The film was wonderful, and the acting was brilliant.",
    "Über 3.5 Sterne! 我喜欢 😀",
    "",
    "a word that nobody knows: xyzzyx",
    "two\nlines  and   spaces",
)


def bert():
    library = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    library.normalizer = normalizers.BertNormalizer(lowercase=True)
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    library.train_from_iterator(
        TEXTS, trainers.WordPieceTrainer(vocab_size=120, special_tokens=special, show_progress=False)
    )
    library.decoder = decoders.WordPiece()
    library.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    library.enable_truncation(8)  # as published files have it; how long a text may be is not the tokenizer's business
    library.enable_padding(length=8)
    return library, {"mask_token": "[MASK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}


def bytewise(special, **names):
    library = tokenizers.Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    library.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(vocab_size=330, special_tokens=special, initial_alphabet=alphabet, show_progress=False),
    )
    return library, names


def roberta():
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    flags = {"lstrip": True, "rstrip": False, "normalized": False, "single_word": False}
    mask = {"__type": "AddedToken", "content": "<mask>", **flags}
    library, names = bytewise(special, mask_token=mask, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    library.add_special_tokens([tokenizers.AddedToken("<mask>", lstrip=True, special=True)])
    library.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return library, names


def gpt2():
    return bytewise(["<|endoftext|>"], eos_token="<|endoftext|>", bos_token="<|endoftext|>")


def llama():
    library = tokenizers.Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    library.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    library.train_from_iterator(
        TEXTS[:1],
        trainers.BpeTrainer(vocab_size=330, special_tokens=["<unk>", "<s>", "</s>", *fallback], show_progress=False),
    )
    whole = json.loads(library.to_str())
    whole["added_tokens"] = whole["added_tokens"][:3]
    library = tokenizers.Tokenizer.from_str(json.dumps(whole))
    library.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    library.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return library, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


KINDS = {"bert": bert, "roberta": roberta, "gpt2": gpt2, "llama": llama}


def saved(folder, kind):
    library, names = KINDS[kind]()
    library.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**names, "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512})
    )
    return folder


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_ids_are_those_of_transformers_on_the_same_file(tmp_path, kind):
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(saved(tmp_path, kind))
    text = Text(Tokenizer.read(tmp_path))
    for again in (text, _restored(text)):
        for value in TEXTS:
            expected = theirs(value)["input_ids"]
            if expected:
                assert again.encode([value]).ids[0].tolist() == expected
            assert again.tokenizer.ids(value).tolist() == theirs(value, add_special_tokens=False)["input_ids"]
    ids = theirs(TEXTS[0], add_special_tokens=False)["input_ids"]
    assert text.tokenizer.decode(ids) == theirs.decode(ids, clean_up_tokenization_spaces=False)


def _restored(text):
    again = Text()
    again.restore(json.loads(json.dumps(text.state())))
    return again


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_the_mask_in_a_text_is_that_of_transformers_and_no_other_special_token_is(tmp_path, kind):
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(saved(tmp_path, kind))
    tokenizer = Tokenizer.read(tmp_path)
    value = f"The {theirs.mask_token} was wonderful"
    assert tokenizer.ids(value).tolist() == theirs(value, add_special_tokens=False)["input_ids"]
    assert (tokenizer.ids(value) == theirs.mask_token_id).sum() == 1
    end = theirs.sep_token if kind == "bert" else theirs.eos_token
    assert theirs.convert_tokens_to_ids(end) not in tokenizer.ids(f"the {end} end")


def test_special_tokens_are_found_by_the_files_beside_or_by_their_names(tmp_path):
    told = Tokenizer.read(saved(tmp_path, "roberta")).specials
    assert (told.start, told.pad, told.end, told.unknown) == (0, 1, 2, 3)
    (tmp_path / "tokenizer_config.json").unlink()
    assert Tokenizer.read(tmp_path / "tokenizer.json").specials == told


def test_a_tokenizer_that_was_written_is_read_by_transformers(tmp_path):
    from transformers import PreTrainedTokenizerFast

    ours = Tokenizer.train("bpe", TEXTS, vocabulary=300)
    ours.save(tmp_path / "tokenizer.json")
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    for value in TEXTS:
        assert theirs(value)["input_ids"] == ours.ids(value).tolist()
    assert theirs.decode(theirs(TEXTS[1])["input_ids"]) == TEXTS[1]


def test_texts_longer_than_the_file_says_are_cut_by_the_modality_alone(tmp_path):
    tokenizer = Tokenizer.read(saved(tmp_path, "bert"))
    value = "the film was " * 100
    assert len(tokenizer.ids(value)) == 300
    ids = Text(tokenizer, longest=10).encode([value]).ids[0]
    assert len(ids) == 10
    assert ids[[0, -1]].tolist() == [2, 3]
    assert torch.equal(ids[1:4], torch.from_numpy(tokenizer.ids("the film was")))


def test_a_gap_can_be_shown_where_there_is_no_mask(tmp_path):
    text = Text(Tokenizer.read(saved(tmp_path, "gpt2")))
    assert text.mask("a fine film", torch.tensor([True, False, True]).numpy(), "masked") == "a _ film"


def test_what_is_no_tokenizer_says_so(tmp_path):
    with pytest.raises(sd.DataError, match="which says how texts become tokens"):
        Tokenizer.read(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(sd.DataError, match="not a tokenizer of the tokenizers library"):
        Tokenizer.read(tmp_path)
    saved(tmp_path, "gpt2")
    (tmp_path / "tokenizer_config.json").write_text("{broken")
    with pytest.raises(sd.DataError, match=r"tokenizer_config\.json: this is not JSON"):
        Tokenizer.read(tmp_path)
