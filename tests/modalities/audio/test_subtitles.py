"""Subtitles: lines that can be read, and the two formats to the letter."""

from itertools import pairwise

import pytest

from sounding.errors import UsageError
from sounding.modalities.audio.subtitles import LONGEST, lines, srt, vtt
from sounding.modalities.audio.transcript import Transcribed, Transcript, Word


def spoken(*words: tuple[str, float, float]) -> list[Word]:
    return [Word(text, start, end, 0.9) for text, start, end in words]


TWO = spoken(("hello", 0.5, 0.9), ("you", 1.0, 1.2), ("there", 3661.25, 3662.0))


def test_the_formats_to_the_letter():
    assert srt(TWO) == ("1\n00:00:00,500 --> 00:00:01,200\nhello you\n\n2\n01:01:01,250 --> 01:01:02,000\nthere\n")
    assert vtt(TWO) == ("WEBVTT\n\n00:00:00.500 --> 00:00:01.200\nhello you\n\n01:01:01.250 --> 01:01:02.000\nthere\n")
    assert "&lt;b&gt;" in vtt(spoken(("<b>", 0, 1)))


def test_lines_are_short_and_do_not_overlap():
    found = lines(spoken(*((f"word{k}", 0.4 * k, 0.4 * k + 0.3) for k in range(60))))
    assert " ".join(line.text for line in found) == " ".join(f"word{k}" for k in range(60))
    assert all(len(line.text) <= LONGEST and line.end - line.start <= 6 for line in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert lines([]) == []
    assert srt([]) == ""


def test_a_text_of_many_and_subtitles_of_one():
    one = Transcribed.of(TWO, 3700.0)
    target = Transcript()
    assert target.exported([("a", one), ("b", Transcribed.of([], 1.0))], ".txt") == "hello you there\n\n"
    assert target.exported([("a", one)], ".vtt") == vtt(TWO)
    with pytest.raises(UsageError, match="folder"):
        target.exported([("a", one), ("b", one)], ".srt")
    assert target.document([("a.wav", one)])[0]["words"][2]["start"] == 3661.25
