"""Made-up speech: words of a few letters, each of which is a sound of its own, said by speakers of different pitch."""

from __future__ import annotations

import numpy as np

WORDS = ("so", "mia", "amo", "isi", "os")
SPEAKERS = 24
_FORMANTS = {"a": (800, 1300), "i": (320, 2500), "o": (450, 850), "m": (250, 1000)}
"""Hz, roughly those of people; what is no vowel hums, or hisses."""


def sentence(rng: np.random.Generator, rate: int) -> tuple[np.ndarray, str, int]:
    """A recording of one or two words, what is said in it, and the number of its speaker."""
    speaker = int(rng.integers(SPEAKERS))
    said = [str(word) for word in rng.choice(WORDS, int(rng.integers(1, 3)))]
    parts = [_pause(rng, rate)]
    for word in said:
        parts += [*(_letter(letter, 90 + 5 * speaker, rng, rate) for letter in word), _pause(rng, rate)]
    wave = np.concatenate(parts)
    wave = wave + 0.003 * rng.standard_normal(len(wave))
    return (rng.uniform(0.3, 0.9) * wave / np.abs(wave).max()).astype(np.float32), " ".join(said), speaker


def _pause(rng: np.random.Generator, rate: int) -> np.ndarray:
    return np.zeros(int(rng.uniform(0.12, 0.2) * rate))


def _letter(letter: str, pitch: float, rng: np.random.Generator, rate: int) -> np.ndarray:
    """A tenth of a second: harmonics of the pitch that are loud near the formants, or a hiss."""
    times = np.arange(int(rng.uniform(0.08, 0.12) * rate)) / rate
    if letter == "s":
        sound = np.diff(rng.standard_normal(len(times) + 1))
    else:
        harmonics = np.arange(1, int(0.9 * rate / 2 / pitch)) * pitch
        loud = sum(np.exp(-(((harmonics - peak) / 150) ** 2)) / (k + 1) for k, peak in enumerate(_FORMANTS[letter]))
        sound = np.sin(2 * np.pi * harmonics[:, None] * times[None] * rng.normal(1, 0.01)).T @ loud
    ramp = np.minimum(1, np.minimum(times, times[::-1]) / 0.01)
    return 0.5 * ramp * sound / max(1e-9, np.abs(sound).max())
