"""Short reviews of a small grammar: what is praised or blamed, in words that say which."""

from __future__ import annotations

import numpy as np

from sounding.contract.records import Example

_THINGS = ("film", "plot", "music", "cast", "ending", "book", "meal", "room", "story", "service")
_WORDS = {
    "positive": ("great", "lovely", "moving", "brilliant", "charming", "delightful"),
    "negative": ("awful", "dull", "boring", "terrible", "annoying", "dreadful"),
}


def review(rng: np.random.Generator, mood: str) -> Example:
    """A review that is positive or negative, as its `mood` says."""
    first, second = (str(word) for word in rng.choice(_THINGS, 2, replace=False))
    word, other = (str(word) for word in rng.choice(_WORDS[mood], 2, replace=False))
    text = (
        f"The {first} was {word} and the {second} was {other}.",
        f"What a {word} {first}, with a {other} {second}!",
        f"I found the {first} {word}.",
        f"{other.capitalize()}, and the {second} is {word} too.",
    )[int(rng.integers(4))]
    return Example(text, mood)
