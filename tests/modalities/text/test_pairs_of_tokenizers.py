"""Tokenizers of published translators: SentencePiece's files against what its own library made of the same texts."""

import json
import pickle

import marian_files
import pytest
from marian_files import DIVIDED_SOURCE, DIVIDED_TARGET, VOCABULARY

from sounding.errors import DataError
from sounding.modalities.text import sentencepiece
from sounding.modalities.text.pairs import tokenizers_in
from sounding.modalities.text.tokenizer import Tokenizer

END, PAD = VOCABULARY.index("</s>"), VOCABULARY.index("<pad>")


@pytest.fixture
def both(tmp_path):
    marian_files.write(tmp_path)
    return tokenizers_in(tmp_path, PAD, None, END)


def ids(pieces):
    """As Marian numbers them: what is no token is unknown."""
    return [VOCABULARY.index(piece if piece in VOCABULARY else "<unk>") for piece in pieces.split()]


@pytest.mark.parametrize("side", [0, 1])
def test_texts_are_divided_as_by_sentencepiece(both, side):
    for text, pieces in (DIVIDED_SOURCE, DIVIDED_TARGET)[side].items():
        assert both[side].ids(text).tolist() == ids(pieces), text


def test_each_side_has_its_ends_also_when_it_comes_back(both):
    for source, target in (both, pickle.loads(pickle.dumps(both))):
        assert (source.prefix, source.suffix) == ((), (END,))
        assert (target.prefix, target.suffix) == ((PAD,), (END,))
        assert target.decode([PAD, *target.ids("Der Gast malt ein Haus."), END]) == "Der Gast malt ein Haus."


def test_the_language_to_be_written_is_one_token(both):
    found = both[0].ids(">>deu<< The house").tolist()
    assert found[0] == VOCABULARY.index(">>deu<<")
    assert found[1:] == both[0].ids("The house").tolist()


def test_a_vocabulary_of_its_own_numbers_what_is_written(tmp_path):
    marian_files.write(tmp_path)
    own = [token for token in reversed(VOCABULARY) if token != ">>deu<<"]
    (tmp_path / "target_vocab.json").write_text(json.dumps({token: number for number, token in enumerate(own)}))
    source, target = tokenizers_in(tmp_path, own.index("<pad>"), None, own.index("</s>"))
    assert len(source) == len(target) + 1
    assert target.token(target.ids("Haus")[0]) == source.token(VOCABULARY.index(target.token(target.ids("Haus")[0])))
    assert (source.suffix, target.suffix) == ((END,), (own.index("</s>"),))


def test_with_a_tokenizer_json_the_beginning_of_texts_stays_and_the_language_is_exchanged(tmp_path):
    made = Tokenizer.train("bpe", ["a house, a horse"], 300)
    made.between([3], [4]).save(tmp_path / "tokenizer.json")
    (tmp_path / "tokenizer_config.json").write_text('{"bos_token": "[START]", "eos_token": "[END]"}')
    source, target = tokenizers_in(tmp_path, 4, None, 4)  # as BART has it
    assert (source.prefix, target.prefix, target.suffix) == ((3,), (4, 3), (4,))
    made.between([10], [4]).save(tmp_path / "tokenizer.json")
    assert tokenizers_in(tmp_path, 4, 12, 4)[1].prefix == (4, 12)  # as mBART has it: the first was what is read
    assert tokenizers_in(tmp_path, 12, None, 4)[1].prefix == (12,)
    with pytest.raises(DataError, match="tokens of which 9,999 is one, and the tokenizer has none of that id"):
        tokenizers_in(tmp_path, 9999, None, 4)


def test_files_that_are_missing_or_damaged_are_named(tmp_path):
    with pytest.raises(DataError, match=r"no tokenizer.json.*save_pretrained"):
        tokenizers_in(tmp_path, PAD, None, END)
    marian_files.write(tmp_path)
    data = (tmp_path / "source.spm").read_bytes()
    for damaged in (b"", b"hello world", data[: len(data) // 2]):
        (tmp_path / "source.spm").write_bytes(damaged)
        with pytest.raises(DataError, match=r"source.spm: this is no model of SentencePiece"):
            tokenizers_in(tmp_path, PAD, None, END)
    (tmp_path / "source.spm").write_bytes(marian_files.whole(marian_files.MERGES))
    with pytest.raises(DataError, match=r"merges \(BPE\).*tokenizer.json"):
        sentencepiece.read(tmp_path / "source.spm")
    (tmp_path / "vocab.json").write_text('{"</s>": 0, "<unk>": 2}')
    with pytest.raises(DataError, match=r"vocab.json: this is no vocabulary of Marian"):
        tokenizers_in(tmp_path, PAD, None, END)
