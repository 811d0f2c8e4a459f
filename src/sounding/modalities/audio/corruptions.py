"""What happens to sound on its way: noise, a hall, an overdriven microphone, haste, a telephone.

Noise is given by its ratio to the speech in decibels, SNR = 10 log10(power of speech / power of noise), where the power
of speech is that of the frames in which somebody speaks (`voice.spoken`): pauses are not counted. No corruption moves
the end of a sound.

Legend of shapes: T samples.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sounding.contract.inputs import Corruption
from sounding.modalities.audio.resampling import resample
from sounding.modalities.audio.voice import spoken

SNR = (40, 30, 20, 10, 0)
"""Decibels, severity 1 to 5: the grid of Speech Robust Bench (arXiv 2403.07937)."""
DECAY = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds until a hall's sound has fallen by 60 dB."""
CLIPPED = (0.6, 0.4, 0.25, 0.12, 0.05)
"""The level at which a sound is cut, as a share of its peak."""
TEMPO = (1.1, 1.2, 1.3, 1.45, 1.6)
"""How much faster somebody speaks; silence fills what is left."""
PASSED = (7000, 6000, 5000, 4000, 3000)
"""Hz: 4,000 is what 8,000 samples a second hold, as a telephone has it."""
VOICES = 6
"""Voices of which babble is made."""
_FRAME = 0.03  # seconds of a piece that is moved as a whole when somebody speaks faster


def corruptions(rate: int) -> Mapping[str, Corruption]:
    """Name → disturbance of sounds at `rate` Hz."""
    return {
        "white noise": lambda value, severity, rng: _noisy(value, rng.standard_normal(len(value)), severity, rate),
        "pink noise": lambda value, severity, rng: _noisy(value, pink(len(value), rng), severity, rate),
        "babble": lambda value, severity, rng: _noisy(value, babble(value, rng), severity, rate),
        "reverberation": lambda value, severity, rng: reverberated(value, DECAY[severity - 1], rate, rng),
        "clipping": lambda value, severity, rng: _clipped(value, severity),
        "tempo": lambda value, severity, rng: faster(value, TEMPO[severity - 1], rate),
        "narrow band": lambda value, severity, rng: _narrowed(value, severity, rate),
    }


def speech_power(value: np.ndarray, rate: int) -> float:
    """The mean square of the samples where somebody speaks; of all where nobody does."""
    parts = [value[int(start * rate) : int(end * rate)] for start, end in spoken(value, rate)]
    parts = [part for part in parts if len(part)] or [value]
    return float((np.concatenate(parts).astype(np.float64) ** 2).mean())


def with_noise(value: np.ndarray, noise: np.ndarray, snr: float, rate: int) -> np.ndarray:
    """A sound under noise of any level, which is brought to the ratio `snr` in decibels."""
    power = float((noise.astype(np.float64) ** 2).mean())
    scale = np.sqrt(speech_power(value, rate) / max(power, 1e-20) * 10 ** (-snr / 10))
    return (value + scale * noise).clip(-1, 1).astype(np.float32)


def _noisy(value: np.ndarray, noise: np.ndarray, severity: int, rate: int) -> np.ndarray:
    return with_noise(value, noise, SNR[severity - 1], rate)


def pink(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise whose power falls by half from each frequency to twice that [T]."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequencies = np.arange(len(spectrum))
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(frequencies, 1)), samples)


def babble(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Several voices at once [T]: the sound itself backwards, at other pitches and from other places on."""
    voices = []
    for pitch in rng.uniform(0.8, 1.25, VOICES):
        other = np.interp(np.arange(0, len(value) - 1, pitch), np.arange(len(value)), value[::-1])
        voices.append(np.roll(np.resize(other, len(value)), int(rng.integers(len(value)))))
    return np.mean(voices, axis=0) + 1e-4 * rng.standard_normal(len(value))  # the noise: for silence


def reverberated(value: np.ndarray, decay: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A sound in a hall whose echo falls by 60 dB in `decay` seconds, as loud as before (Polack's model, 1988)."""
    times = np.arange(max(2, int(decay * rate))) / rate
    echo = rng.standard_normal(len(times)) * 10 ** (-3 * times / decay)
    echo *= np.sqrt(rate * decay) / 40 / np.linalg.norm(echo)  # a longer echo is louder beside what comes directly
    echo[0] = 1.0
    size = len(value) + len(echo)
    wet = np.fft.irfft(np.fft.rfft(value, size) * np.fft.rfft(echo, size), size)[: len(value)]
    scale = np.sqrt((value.astype(np.float64) ** 2).mean() / max((wet**2).mean(), 1e-20))
    return (scale * wet).clip(-1, 1).astype(np.float32)


def _clipped(value: np.ndarray, severity: int) -> np.ndarray:
    limit = np.abs(value).max() * CLIPPED[severity - 1]
    return value.clip(-limit, limit)


def faster(value: np.ndarray, tempo: float, rate: int) -> np.ndarray:
    """A sound `tempo` times as fast at the same pitch, followed by silence.

    Pieces are laid over one another where they fit best (WSOLA; Verhelst and Roelands, ICASSP 1993).
    """
    size = max(8, int(_FRAME * rate) // 2 * 2)
    hop, window = size // 2, np.hanning(size)
    out = np.zeros(len(value) + 2 * size)
    place, wanted = 0, value[:size]
    for start in range(0, int(len(value) / tempo) - size, hop):
        near = max(0, int(start * tempo) - hop // 2)
        found = value[near : near + hop + size]
        if len(found) < size:
            break
        fits = np.correlate(found, wanted, "valid") if len(wanted) == size else np.zeros(1)
        place = near + int(fits.argmax())
        out[start : start + size] += window * value[place : place + size]
        wanted = value[place + hop : place + hop + size]
    return out[: len(value)].clip(-1, 1).astype(np.float32)


def _narrowed(value: np.ndarray, severity: int, rate: int) -> np.ndarray:
    """Without what is above a frequency, the less of a narrower sound."""
    kept = PASSED[severity - 1] * min(1.0, rate / 16_000)
    low = resample(value, rate, int(2 * kept))
    return resample(low, int(2 * kept), rate)[: len(value)].clip(-1, 1)
