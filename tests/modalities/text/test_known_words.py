"""Which words training texts have: none is forgotten, few others are taken for known, other languages are told."""

import json

import pytest

from sounding.modalities.text.known_words import KnownWords

TEXTS = [f"The {kind} ship number {n} came home from word{n}land" for n in range(300) for kind in ("old", "new")]


def test_no_word_is_forgotten_and_few_are_taken_for_known():
    known = KnownWords.restored(json.loads(json.dumps(KnownWords.of(TEXTS).state())))
    assert all(known.new(text)[0] == 0 for text in TEXTS)
    assert known.new("THE OLD SHIP, 12!")[0] == 0  # without case, numbers and signs
    assert known.new("THE OLD SHIP, 12!")[1] == 3
    others = [f"other{n}" for n in range(2000)]
    assert sum(word in known for word in others) <= 40  # 16 are to be expected
    assert len(known.state()["bits"]) < 4000 * 10 / 8


@pytest.mark.parametrize(
    ("text", "unlike"),
    [
        ("the old ship came home", False),
        ("The Ship", False),
        ("Rotterdam", False),  # one name may be new
        ("the old ship came from Rotterdam", False),
        ("Das alte Schiff kam nach Hause", True),
        ("Старый корабль вернулся", True),
        ("12 34", False),
    ],
)
def test_texts_of_which_most_words_are_new_are_told(text, unlike):
    known = KnownWords.of(TEXTS)
    assert known.unlike(*known.new(text)) is unlike


def test_where_most_words_occur_once_new_ones_say_nothing():
    known = KnownWords.of([f"word{n} word{n + 1000}" for n in range(500)])
    assert known.once == 1
    assert not known.unlike(*known.new("all of these are new"))
