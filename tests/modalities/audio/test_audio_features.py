"""The spectrogram against one computed term by term, and what varies it in training."""

import math

import numpy as np
import pytest
import torch

from sounding.modalities.audio.augmentation import Variations, Varied, echoing, noisy
from sounding.modalities.audio.features import LogMel, heard
from sounding.modalities.audio.mel import FLOOR, frames_heard, log_mel, triangles
from sounding.randomness import generator

RATE = 8000


def by_hand(wave: np.ndarray, frame: int, bands: int) -> np.ndarray:
    """One frame of the log-mel spectrogram, by the definition of the discrete Fourier transform."""
    length, hop, size = 200, 80, 256
    start = frame * hop - (length - hop) // 2
    seen = np.array([wave[i] if 0 <= i < len(wave) else 0.0 for i in range(start, start + length)])
    seen = seen * np.array([0.5 - 0.5 * math.cos(2 * math.pi * i / length) for i in range(length)])
    power = [abs(sum(s * np.exp(-2j * np.pi * k * i / size) for i, s in enumerate(seen))) ** 2 for k in range(129)]

    def mel(f):
        return 2595 * math.log10(1 + f / 700)

    def weight(f, low, peak, high):
        return max(0.0, min((f - low) / (peak - low), (high - f) / (high - peak)))

    ends = [mel(20.0) + (mel(RATE / 2) - mel(20.0)) * k / (bands + 1) for k in range(bands + 2)]
    edges = [700 * (10 ** (m / 2595) - 1) for m in ends]
    return np.array(
        [
            math.log(sum(p * weight(k * RATE / size, *edges[b : b + 3]) for k, p in enumerate(power)) + FLOOR)
            for b in range(bands)
        ]
    )


def test_a_frame_is_what_the_definition_gives():
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, 900).astype(np.float32)
    found = LogMel(RATE, 20)(torch.from_numpy(wave)[None])[0].numpy()
    assert found.shape == (12, 20)
    for frame in (0, 5, 11):
        np.testing.assert_allclose(found[frame], by_hand(wave, frame, 20), rtol=1e-3, atol=1e-3)


def test_a_tone_is_loudest_in_the_band_that_holds_it():
    wave = torch.sin(2 * torch.pi * 1000 * torch.arange(RATE) / RATE)[None]
    band = int(LogMel(RATE, 40)(wave)[0, 50].argmax())
    frequencies = np.linspace(0, RATE / 2, 129)
    assert triangles(40, 256, RATE)[np.abs(frequencies - 1000).argmin(), band] > 0.3


def test_padding_changes_no_frame_and_is_not_heard():
    wave = torch.from_numpy(np.random.default_rng(1).uniform(-1, 1, (1, 1000)).astype(np.float32))
    padded = torch.cat([wave, torch.zeros(1, 777)], dim=1)
    layer = LogMel(RATE, 20)
    torch.testing.assert_close(layer(padded)[:, :13], layer(wave))
    assert heard(padded).tolist() == heard(wave).tolist() == [1000]
    assert heard(torch.zeros(1, 50)).tolist() == [1]


def test_variations_stretch_both_axes_cut_holes_and_happen_in_training_alone():
    x = torch.linspace(1, 2, 50)[None, :, None].expand(4, 50, 20).contiguous()
    lengths = torch.tensor([50, 40, 30, 20])
    layer = Varied(Variations(speed=0.1, tract=0.0, bands=0, times=0))
    same, unmoved = layer.eval()(x, lengths)
    assert same is x
    assert unmoved is lengths
    torch.manual_seed(0)
    found, moved = layer.train()(x, lengths)
    assert ((moved - lengths).abs() <= 0.12 * lengths + 1).all()
    assert (moved != lengths).any()
    for row, n, was in zip(found, moved.tolist(), lengths.tolist(), strict=True):
        assert row[0, 0] == pytest.approx(1.0, abs=1e-3)
        assert row[n - 1, 0] == pytest.approx(float(x[0, was - 1, 0]), abs=0.01)  # all of it is still there
    holes = Varied(Variations(speed=0, tract=0, bands=1, widest=0.5, times=1, longest=0.3)).train()
    noise = torch.randn(4, 50, 20)
    changed, _ = holes(noise, lengths)
    where = changed != noise
    assert 0 < where.float().mean() < 0.8
    for row, n in zip(where, lengths.tolist(), strict=True):
        assert not row[n:].any()  # nothing is cut from padding
        assert row[:n].all(dim=0).any() or row.all(dim=1).any()


def test_noise_and_echo_reach_as_far_as_the_sound_and_draw_from_their_stream():
    x = torch.zeros(3, 4000)
    x[:, :2500] = 0.1 * torch.randn(3, 2500, generator=generator("sound"))
    for change in (lambda rng: noisy(x, rng, 1.0), lambda rng: echoing(x, rng, RATE, 1.0)):
        first, second = change(generator("a")), change(generator("a"))
        assert torch.equal(first, second)
        assert not torch.equal(first, x)
        assert not first[:, 2500:].any()
    assert torch.equal(noisy(x, generator("a"), 0.0), x)
    assert torch.equal(echoing(x, generator("a"), RATE, 0.0), x)
    ratio = 10 * torch.log10(x.square().sum(1) / (noisy(x, generator("a"), 1.0) - x).square().sum(1))
    assert ((ratio > 4) & (ratio < 31)).all()


@pytest.mark.parametrize(("rate", "bands"), [(8000, 24), (16_000, 80), (22_050, 64)])
def test_without_torch_it_is_the_same(rate, bands):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(2, rate // 2 + 7)) * 0.1).astype(np.float32)
    x[1, rate // 3 :] = 0
    layer = LogMel(rate, bands)
    np.testing.assert_allclose(log_mel(x, rate, bands), layer(torch.from_numpy(x)), atol=2e-4)
    assert frames_heard(x, rate).tolist() == layer.frames(heard(torch.from_numpy(x))).tolist()
