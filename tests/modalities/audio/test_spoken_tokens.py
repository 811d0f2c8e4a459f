"""What Whisper writes: special tokens, times, and texts, against transformers' tokenizer."""

from __future__ import annotations

import pytest

from sounding.errors import DataError, UsageError
from sounding.modalities.audio.spoken_tokens import SpokenTokens, Stretch
from sounding.modalities.audio.whisper_transcript import WhisperTranscript
from sounding.modalities.text.tokenizer import Tokenizer

pytest.importorskip("transformers", reason="transformers makes the tokenizers of these tests")

from whisper_files import tokenizer


@pytest.fixture(scope="module")
def theirs():
    return tokenizer(True)


@pytest.fixture(scope="module")
def tokens(theirs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokens")
    theirs.save_pretrained(folder)
    return SpokenTokens(Tokenizer.read(folder), True)


def test_texts_are_the_tokens_of_transformers_and_special_ones_no_text(tokens, theirs):
    transcript = WhisperTranscript()
    transcript.adopt({"tokenizer": tokens.tokenizer.state()})
    found = transcript.between(["So, mia!", "", "amo"], [1, 2], 9)
    said = theirs.encode(" So, mia!", add_special_tokens=False)
    assert found.ids[0, : found.lengths[0]].tolist() == [1, 2, *said, 9]
    assert found.ids[1, :3].tolist() == [1, 2, 9]
    assert tokens.text([*tokens.prompt("de"), *said, tokens.id("<|endoftext|>"), tokens.times + 7]) == " So, mia!"
    again = WhisperTranscript()
    again.restore(transcript.state())
    assert again.between(["amo"], [], 9).ids.tolist() == [[*theirs.encode(" amo", add_special_tokens=False), 9]]


def test_a_prompt_says_language_and_task(tokens, theirs):
    def names(*ids):
        return theirs.convert_ids_to_tokens(list(ids))

    assert names(*tokens.prompt("de")) == ["<|startoftranscript|>", "<|de|>", "<|transcribe|>", "<|notimestamps|>"]
    assert names(*tokens.prompt("fi", True, True)) == ["<|startoftranscript|>", "<|fi|>", "<|translate|>"]
    assert sorted(tokens.languages) == ["de", "en", "fi"]
    for language in ("", "xx"):
        with pytest.raises(UsageError, match="language"):
            tokens.prompt(language)
    english = SpokenTokens(tokens.tokenizer, False)
    assert names(*english.prompt()) == ["<|startoftranscript|>", "<|notimestamps|>"]
    assert english.prompt("en", timed=True) == tokens.prompt("en", timed=True)[:1]
    with pytest.raises(UsageError, match="English alone"):
        english.prompt("de")


def test_times_part_a_text(tokens, theirs):
    first, second = (theirs.encode(text, add_special_tokens=False) for text in (" so mia", " amo"))
    zero = tokens.times
    found = tokens.stretches([zero, *first, zero + 50, zero + 60, *second])
    assert found == [Stretch(0.0, 1.0, tuple(first)), Stretch(1.2, None, tuple(second))]
    assert tokens.stretches([zero, zero]) == []


def test_digits_are_found_and_another_tokenizer_is_refused(tokens, theirs):
    digits = theirs.convert_ids_to_tokens(list(tokens.digits))
    assert {"1", "2", "9"} <= set(digits)
    assert not [token for token in digits if not any(c.isdigit() for c in token)]
    with pytest.raises(DataError, match="startoftranscript"):
        SpokenTokens(Tokenizer.train("characters", ["abc"]), False)
