"""Resampling against sines, whose samples at any rate are known, and against aliases, which must not be there."""

import numpy as np
import pytest

from sounding.modalities.audio.resampling import resample


def sine(frequency: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize(
    ("rate", "wanted"), [(44_100, 16_000), (48_000, 16_000), (8_000, 16_000), (11_025, 8_000), (22_051, 16_000)]
)
def test_a_sine_becomes_the_sine_of_the_new_rate(rate, wanted):
    made = resample(sine(1000, rate), rate, wanted)
    assert made.dtype == np.float32
    assert len(made) == -(-int(rate * 0.5) * wanted // rate)
    known = np.sin(2 * np.pi * 1000 * np.arange(len(made)) / wanted)
    inner = slice(wanted // 10, -wanted // 10)  # near the ends silence is heard
    assert np.abs(made - known)[inner].max() < 1e-3


def test_what_the_new_rate_cannot_hold_is_gone_and_not_folded_back():
    made = resample(sine(7000, 44_100), 44_100, 8_000)
    assert np.abs(made[800:-800]).max() < 1e-3
    kept = resample(sine(3500, 44_100), 44_100, 8_000)
    assert kept[800:-800].std() == pytest.approx(np.sqrt(0.5), rel=0.01)


def test_the_same_rate_changes_nothing_and_a_constant_stays_one():
    wave = np.linspace(-1, 1, 1000, dtype=np.float32)
    assert (resample(wave, 16_000, 16_000) == wave).all()
    constant = resample(np.full(8000, 0.5), 44_100, 16_000)
    assert np.abs(constant[500:-500] - 0.5).max() < 1e-4


def test_long_sounds_are_the_same_as_their_parts():
    rng = np.random.default_rng(0)
    wave = rng.standard_normal(200_000).astype(np.float32)
    whole = resample(wave, 44_100, 16_000)
    part = resample(wave[44_100 : 3 * 44_100], 44_100, 16_000)
    assert np.abs(whole[16_000 + 500 : 48_000 - 500] - part[500:-500]).max() < 1e-4
