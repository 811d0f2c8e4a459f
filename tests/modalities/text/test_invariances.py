"""What a good answer does not heed in a text: what is changed, what is left alone, and what is shown of it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from sounding.modalities.text.invariances import difference, invariances, is_english, neutral_words
from sounding.modalities.text.lexicon import CITIES, COUNTRIES, MEN, WOMEN
from sounding.modalities.text.text import Text

ENGLISH = [f"This is the film number {n}, and it was {mood}." for n in range(60) for mood in ("good", "bad")]
MOODS = ["good", "bad"] * 60
GERMAN = [f"Das ist mein Film Nummer {n}, er ist {mood}." for n in range(60) for mood in ("gut", "schlecht")]


def changed(name: str, text: str, values: list[str] = ENGLISH, answers: list[str] = MOODS) -> str | None:
    change = invariances(values, answers, lambda text, rng: None)[name]
    return change(text, np.random.default_rng(0))


def test_names_give_way_to_names_of_their_kind_in_the_case_they_stood_in():
    found = changed("first names swapped", "John met mary. JOHN's hat was John's, said Mr. Smith")
    said = re.fullmatch(r"(\w+) met (\w+)\. (\w+)'s hat was (\w+)'s, said Mr\. Smith", found)
    one, other, big, again = said.groups()
    assert one in MEN.split()
    assert one != "John"
    assert (big, again) == (one.upper(), one)
    assert other.capitalize() in WOMEN.split()
    assert other not in ("mary", "Mary", other.upper())
    assert changed("first names swapped", "the rose will mark the grace of art") is None


def test_places_are_swapped_and_countries_stay_countries():
    found = changed("places swapped", "paris is in France")
    assert found.split()[0].capitalize() in CITIES.split()
    assert found.split()[-1] in COUNTRIES.split()
    assert "paris" not in found
    assert "France" not in found


@pytest.mark.parametrize("text", ["9 films", "a 10/10", "8 out of 10", "20 stars", "50 %", "3.50", "the 1930s", "$20"])
def test_numbers_that_are_a_mark_or_a_part_of_something_stay(text):
    assert changed("numbers changed", text) is None


def test_a_number_moves_by_a_fifth_at_most():
    for number in (12, 99, 100, 1984):
        found = int(changed("numbers changed", f"some {number} horses").split()[1])
        assert found != number
        assert abs(found - number) <= max(1, number // 5)
        assert len(str(found)) == len(str(number))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It wasn't good, I can't say", "It was not good, I can not say"),
        ("it was not good", "it wasn't good"),
        ("they will not say", "they won't say"),
        ("isn't it good", None),
        ("nothing here", None),
    ],
)
def test_contractions_are_spelt_out_or_drawn_together(text, found):
    assert changed("contractions (English)", text) == found


def test_texts_cut_into_words_keep_their_gaps():
    values = [f"it does n't matter {n} to the film" for n in range(20)]
    assert changed("contractions (English)", "it was not good", values, ["a", "b"] * 10) == "it was n't good"
    assert changed("contractions (English)", "it was n't good", values, ["a", "b"] * 10) == "it was not good"


def test_a_full_stop_comes_or_goes_and_other_marks_stay():
    name = "full stop added or lost"
    assert changed(name, "a film .") == "a film"
    assert changed(name, "a film") == "a film."
    assert [changed(name, text) for text in ("what?", "well...", "我喜欢")] == [None, None, None]


def test_neutral_words_are_those_that_go_with_all_answers_alike():
    found = neutral_words(ENGLISH, MOODS)
    assert {"the", "film", "and"} <= set(found)
    assert not {"good", "bad"} & set(found)
    assert neutral_words(ENGLISH, ["one"] * 120) == []
    text = changed("neutral word added", "nobody knows")
    assert text.split()[1] in found
    assert text.split()[::2] == ["nobody", "knows"]


def test_what_is_english_is_left_out_of_other_languages():
    assert is_english(ENGLISH)
    assert not is_english(GERMAN)
    names = invariances(GERMAN, MOODS, lambda text, rng: None)
    assert not any("English" in name for name in names)
    assert "one typing error" in names
    assert changed("neutral sentence added (English)", "all small").islower()


def test_what_was_changed_is_shown_between_some_words():
    long = "one two three four five six seven eight nine ten"
    assert difference(
        long, long.replace("six", "SIX")
    ) == "… one two three four five [six → SIX] seven eight nine ten".removeprefix("… ")
    assert difference("a b", "a b c") == "a b [+ c]"
    assert difference("a b c", "a c") == "a [b → nothing] c"
    assert difference(long, long.replace("nine", "9")) == "… four five six seven eight [nine → 9] ten"


def test_another_text_stands_where_it_is_read():
    text = Text("words", longest=6)
    text.fit(iter(ENGLISH))
    assert text.extended("it was good", "so good") == "it was good. so good"
    assert text.extended("it was very good today", "so good") == "so good. it was very good today"


def test_a_typing_error_makes_no_word_that_is_known():
    text = Text("words")
    text.fit(iter(ENGLISH))
    change = text.invariances(ENGLISH, MOODS)["one typing error"]
    clean = ["this", "film", "was", "good"]
    found = change(" ".join(clean), np.random.default_rng(0)).split()
    ((lost, come),) = [pair for pair in zip(clean, found, strict=True) if pair[0] != pair[1]]
    assert lost in ("this", "film", "good")
    assert not text.tokenizer.knows(come)
