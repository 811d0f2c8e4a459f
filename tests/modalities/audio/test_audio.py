"""The audio modality: what is read and refused, voice, parts, corruptions, drawings."""

from __future__ import annotations

import base64
import io
import sys
import wave
from itertools import pairwise

import numpy as np
import pytest
import soundfile
import torch

from sounding.errors import DataError, UsageError
from sounding.modalities.audio import audio_files, corruptions, masking, voice
from sounding.modalities.audio.audio import Audio
from sounding.randomness import stream

RATE = 16_000


def tone(seconds: float = 0.5, rate: int = RATE, frequency: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def speech(seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    """Bursts of a buzz with pauses of faint noise between them."""
    times = np.arange(int(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 20))
    loud = (np.sin(2 * np.pi * 0.9 * times) > 0).astype(float)
    return (0.1 * buzz * loud + 1e-4 * stream("hiss").standard_normal(len(times))).astype(np.float32)


# ---- reading


@pytest.mark.parametrize(
    ("ending", "subtype", "close"),
    [
        (".wav", "PCM_16", 1e-4),
        (".wav", "PCM_U8", 1e-2),
        (".wav", "FLOAT", 1e-6),
        (".flac", "PCM_24", 1e-6),
        (".ogg", "VORBIS", 0.05),
        (".mp3", "MPEG_LAYER_III", 0.05),
    ],
)
def test_formats_and_depths_give_the_samples_that_were_written(tmp_path, ending, subtype, close):
    file = tmp_path / f"a{ending}"
    soundfile.write(file, tone(), RATE, subtype=subtype)
    value = Audio().read(file.name, tmp_path)
    assert value.dtype == np.float32
    assert len(value) == pytest.approx(len(tone()), abs=2000)  # MP3 pads
    middle = slice(2000, 6000)
    if close < 0.05:
        assert np.abs(value[middle] - tone()[middle]).max() < close
    assert value[middle].std() == pytest.approx(tone()[middle].std(), rel=0.05)


def test_channels_are_averaged_and_rates_brought_to_the_working_one_and_both_are_announced(tmp_path):
    seven = np.stack([k * tone(0.5, 44_100) / 10 for k in range(1, 8)], axis=1)
    soundfile.write(tmp_path / "seven.wav", seven, 44_100, subtype="FLOAT")
    audio = Audio()
    value = audio.read("seven.wav", tmp_path)
    assert np.abs(value[1000:7000] - 0.4 * tone()[1000:7000]).max() < 1e-3
    audio.fit([value])
    notes = " ".join(audio.notes())
    assert "44,100 to 16,000 Hz" in notes
    assert "7 channels" in notes


def test_bytes_structs_arrays_and_pairs_are_recordings(tmp_path):
    held = io.BytesIO()
    soundfile.write(held, tone(), RATE, format="FLAC")
    audio = Audio()
    for cell in (
        held.getvalue(),
        {"bytes": held.getvalue(), "path": "a.flac"},
        {"array": tone().astype(float), "sampling_rate": RATE},
        (tone(), RATE),
        tone(),
        (tone() * 32767).astype(np.int16),
    ):
        assert audio.accepts(cell) or isinstance(cell, tuple)
        assert np.abs(audio.read(cell) - tone()).max() < 1e-3
    assert len(audio.read((tone(), 2 * RATE))) == len(tone()) // 2
    assert audio.to_json({"bytes": b"", "path": "a.flac"}) == "a.flac"
    assert audio.to_json(tone()) == {"seconds": 0.5}


def test_a_clip_beside_its_table_is_found(tmp_path):
    (tmp_path / "clips").mkdir()
    soundfile.write(tmp_path / "clips" / "a.wav", tone(), RATE)
    assert len(Audio().read("a.wav", tmp_path)) == len(tone())


def _truncated(path):
    soundfile.write(path, stream("noise").uniform(-0.5, 0.5, 4 * RATE), RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty_wave(path):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("none.wav", lambda path: None, "there is no file"),
        ("text.wav", lambda path: path.write_text("no sound"), "is not a recording"),
        ("zero.wav", lambda path: path.write_bytes(b""), "is empty"),
        ("empty.wav", _empty_wave, "holds no sound"),
        ("cut.flac", _truncated, "cut off"),
        ("folder.wav", lambda path: path.mkdir(), "is a folder"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_sentence(tmp_path, name, make, said):
    make(tmp_path / name)
    with pytest.raises(DataError, match=said) as refused:
        Audio().read(name, tmp_path)
    assert refused.value.fix


@pytest.mark.parametrize(
    "cell", [None, "", 7, np.zeros((2, 2, 2)), np.zeros(0), np.full(9, 3.0), np.full(9, np.nan), "https://a.org/a.wav"]
)
def test_cells_that_hold_no_recording_are_refused(cell):
    with pytest.raises(DataError):
        Audio().read(cell)


def test_a_file_of_many_hours_is_refused_by_its_header(monkeypatch, tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(2.0), RATE)
    monkeypatch.setattr(audio_files, "LONGEST", 1)
    with pytest.raises(DataError, match="hours long"):
        Audio().read("a.wav", tmp_path)


def test_a_missing_package_is_named_with_the_extra(monkeypatch, tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(UsageError, match=r"sounding\[speech\]"):
        Audio().read("a.wav", tmp_path)


def test_odd_recordings_are_remarked_on():
    audio = Audio()
    assert "silence" in audio.remark(np.zeros(RATE, np.float32))
    assert "short" in audio.remark(tone(0.05))
    assert "full scale" in audio.remark(np.sign(tone()))
    with pytest.raises(DataError, match=r"40\.00 s of sound are too much") as told:
        Audio(RATE, longest=30).require_learnable(np.tile(speech(), 20))
    assert "Cut it" in told.value.fix
    audio.require_learnable(np.tile(speech(), 20))  # where no length was set, none is too much
    assert audio.remark(speech()) == ""


# ---- voice


def test_voice_is_found_where_it_is_and_long_recordings_are_cut_where_nobody_speaks():
    quiet, word = 1e-4 * stream("quiet").standard_normal(RATE), tone(0.6)
    wave = np.concatenate([quiet, word, quiet, word, quiet])
    found = voice.spoken(wave, RATE)
    np.testing.assert_allclose(found, [(0.85, 1.75), (2.45, 3.35)], atol=0.03)
    assert voice.spoken(np.zeros(RATE), RATE) == []
    assert voice.cut(wave, RATE, 30, 1) == found
    near = np.concatenate([quiet, word, quiet[: RATE // 2], word, quiet])
    first, last = voice.spoken(near, RATE)
    assert voice.cut(near, RATE, 30, 1) == [(first[0], last[1])]
    assert voice.cut(near, RATE, 1.0, 0.2) == [first, last]
    windows = voice.cut(tone(5.0), RATE, 2.0, 0.5)
    assert windows[0][0] == 0
    assert windows[-1][1] == 5.0
    assert all(a[1] - b[0] == pytest.approx(0.5) for a, b in pairwise(windows))
    assert all(end - start <= 2.0 for start, end in windows)


# ---- parts


def test_frames_and_bands_give_way_where_they_are():
    value = (tone(0.5, frequency=440) + tone(0.5, frequency=3000)).astype(np.float32) * 0.5
    audio = Audio()
    count = audio.segments(value)
    assert count == 10 + masking.BANDS
    assert audio.mask(value, np.ones(count, bool), "silence") is value
    without = np.ones(count, bool)
    without[2] = False
    cut = audio.mask(value, without, "silence")
    assert not cut[1600:2400].any()
    assert (cut[:1600] == value[:1600]).all()
    assert audio.segment_name(value, 2) == "0.10–0.15 s"
    frequencies = [tuple(map(float, audio.segment_name(value, k)[:-3].split("–"))) for k in range(10, count)]
    low = next(k for k, (a, b) in enumerate(frequencies) if a <= 440 < b)
    without = np.ones(count, bool)
    without[10 + low] = False
    left = audio.mask(value, without, "silence")
    spectrum = np.abs(np.fft.rfft(left))
    assert spectrum[220] < 0.05 * spectrum[1500]  # 440 Hz is gone, 3,000 Hz is not
    assert np.abs(audio.mask(value, np.zeros(count, bool), "noise")).max() > 0
    with pytest.raises(UsageError):
        audio.mask(value, without, "mean")


# ---- corruptions


def test_saliency_counts_in_its_frame_and_its_band_and_not_behind_the_sound():
    audio, value = Audio(RATE), tone(0.5)
    saliency = torch.zeros(120, 40)  # what was heard is a window of 1.2 s
    saliency[12, 0], saliency[80] = 4.0, 100.0
    found = audio.aggregate(saliency, value)
    assert len(found) == audio.segments(value)
    assert {int(k): found[k] for k in np.flatnonzero(found)} == {2: 2.0, 10: 2.0}  # 0.10–0.15 s, the lowest band


@pytest.mark.parametrize("name", ["white noise", "pink noise", "babble"])
def test_noise_has_the_ratio_that_its_name_says(name):
    value = speech()
    for severity, snr in enumerate(corruptions.SNR, 1):
        found = Audio().corruptions[name](value, severity, stream("noise"))
        noise = found.astype(float) - value
        power = corruptions.speech_power(value, RATE)
        assert 10 * np.log10(power / (noise**2).mean()) == pytest.approx(snr, abs=0.5)


def test_speech_is_measured_where_somebody_speaks():
    value = np.concatenate([np.zeros(3 * RATE, np.float32), tone(1.0)])
    assert corruptions.speech_power(value, RATE) == pytest.approx(0.125 / 1.15, rel=0.1)


def test_tempo_keeps_the_pitch_and_the_end_and_hurries():
    value = tone(2.0, frequency=500)
    found = corruptions.faster(value, 1.5, RATE)
    assert len(found) == len(value)
    spoken = found[2000 : int(2 * RATE / 1.5) - 2000]
    peak = np.abs(np.fft.rfft(spoken)).argmax() * RATE / len(spoken)
    assert peak == pytest.approx(500, abs=10)
    assert np.abs(found[int(2 * RATE / 1.5) + 2000 :]).max() < 1e-6


def test_a_narrow_band_has_nothing_above_its_edge():
    noise = stream("band").uniform(-0.5, 0.5, RATE).astype(np.float32)
    found = Audio().corruptions["narrow band"](noise, 3, stream("band"))
    spectrum = np.abs(np.fft.rfft(found)) ** 2
    assert spectrum[5200:].sum() < 1e-3 * spectrum.sum()


# ---- showing


def test_a_drawing_has_the_spectrogram_the_weights_and_the_words(tmp_path):
    audio, value = Audio(), speech()
    weights = np.linspace(-1, 1, audio.segments(value))
    from sounding.modalities.audio.drawing import word_marks

    drawn = audio.render(value, weights, word_marks([("hello", 0.1, 0.4), ("you", 1.0, 1.3)]))
    assert ">hello<" in drawn.svg()
    assert "hello you" in drawn.text
    assert "most for it" in drawn.text
    assert drawn.within(300).width <= 300
    drawn.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 0


# ---- played


@pytest.mark.parametrize("package", [True, False])
def test_a_clip_is_the_beginning_of_a_recording_whether_or_not_the_package_is_there(monkeypatch, package):
    if not package:
        monkeypatch.setitem(sys.modules, "soundfile", None)
    long = np.tile(tone(1.0, 44_100), 12)
    clip = Audio(44_100).clip(long, "a.mp3")
    monkeypatch.undo()
    assert clip.name == "a.mp3 (the first 10 s)"
    assert clip.media == ("audio/flac" if package else "audio/wav")
    file = io.BytesIO(base64.b64decode(clip.base64))
    samples, rate = soundfile.read(file)
    assert (rate, len(samples)) == (16_000, 160_000)
    assert len(file.getvalue()) <= 320_100
    np.testing.assert_allclose(samples[1000:15_000], tone(1.0)[1000:15_000], atol=2e-3)
