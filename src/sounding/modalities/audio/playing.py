"""A recording as a small file that a browser plays: its beginning, of 16 bits, at no more than 16,000 samples a second.

FLAC, which all browsers know and which loses nothing, where soundfile is installed; else WAV, which is twice as large.
"""

from __future__ import annotations

import base64
import wave
from io import BytesIO

import numpy as np

from sounding.contract.evidence import Clip
from sounding.errors import UsageError
from sounding.modalities.audio.audio_files import soundfile
from sounding.modalities.audio.resampling import resample

MOST_RATE = 16_000
"""Samples a second: speech has little above half of that."""
MOST_SECONDS = 10.0
"""What is longer is heard up to there: 320 kB as WAV."""


def clip(value: np.ndarray, rate: int, name: str) -> Clip:
    """The beginning of a recording [T] at `rate` Hz; the name says so where that is not all of it."""
    most = int(MOST_SECONDS * rate)
    if len(value) > most:
        value, name = value[:most], f"{name} (the first {MOST_SECONDS:g} s)"
    heard = min(rate, MOST_RATE)
    samples = np.round(resample(value, rate, heard).clip(-1, 1) * 32767).astype("<i2")
    media, content = _file(samples, heard)
    return Clip(name, media, base64.b64encode(content).decode())


def _file(samples: np.ndarray, rate: int) -> tuple[str, bytes]:
    """What the file is, and its bytes."""
    file = BytesIO()
    try:
        soundfile().write(file, samples, rate, format="FLAC", subtype="PCM_16")
        return "audio/flac", file.getvalue()
    except UsageError:  # it is not installed
        pass
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(samples.itemsize)
        written.setframerate(rate)
        written.writeframes(samples.tobytes())
    return "audio/wav", file.getvalue()
