"""The spectrogram of Whisper, against transformers' feature extractor."""

import numpy as np
import pytest
import torch

from sounding.modalities.audio.whisper_features import RATE, WhisperLogMel, hertz, mel
from sounding.randomness import stream

transformers = pytest.importorskip("transformers", reason="its feature extractor is what this is compared with")


@pytest.mark.parametrize(("bands", "seconds"), [(80, 30), (128, 3)])
def test_a_spectrogram_is_that_of_transformers(bands, seconds):
    theirs = transformers.WhisperFeatureExtractor(feature_size=bands, chunk_length=seconds)
    ours = WhisperLogMel(bands, seconds)
    rng = stream("whisper")
    whole = seconds * RATE
    for length in (100, 400, RATE + 1, whole - 100, whole, whole + 7):
        sound = (0.1 * rng.standard_normal(length)).astype(np.float32)
        expected = theirs(sound, sampling_rate=RATE, return_tensors="pt").input_features[0].T
        found = ours(torch.from_numpy(sound)[None])[0]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_sound_gives_the_same_alone_and_in_a_batch():
    ours, rng = WhisperLogMel(seconds=2), stream("batch")
    batch = torch.zeros(2, RATE)
    batch[0, :4000], batch[1] = (torch.from_numpy(rng.standard_normal(n)) for n in (4000, RATE))
    torch.testing.assert_close(ours(batch)[0], ours(batch[:1, :4000])[0])


def test_the_scale_is_linear_below_a_kilohertz_and_there_and_back():
    assert mel(500.0) == pytest.approx(7.5)
    assert mel(6400.0) == pytest.approx(15 + 27)
    heard = np.array([0.0, 20.0, 999.0, 1000.0, 1001.0, 8000.0])
    np.testing.assert_allclose(hertz(mel(heard)), heard, atol=1e-9)
