"""Transcription with Whisper's weights: as transformers writes, of any length, fine-tuned, and by command."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soundfile
import torch

import sounding as sd
from sounding.applications.speech.transcribe import babble, dictation
from sounding.applications.speech.transcribe.dictation import Noted, words_of
from sounding.contract.records import Example
from sounding.errors import UsageError
from sounding.modalities.audio.transcript import Word
from sounding.modalities.audio.whisper_features import RATE
from sounding.randomness import stream

transformers = pytest.importorskip("transformers", reason="transformers makes the weights of these tests")

from whisper_files import made  # noqa: E402

SHORT = {"card": None, "precision": "fp32", "steps": 1, "lr": 0, "validations": 1, "batch": 4}


def recordings(n: int, seconds: float = 1.4) -> list[Example]:
    rng, found = stream("recordings"), []
    for _ in range(n):
        wave, said, _ = babble.sentence(rng, RATE)
        found.append(Example(wave[: int(seconds * RATE)], said))
    return found


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """The net of transformers, and a run that began with it and learnt nothing."""
    folder = tmp_path_factory.mktemp("begun")
    theirs = made(folder / "weights")
    model = sd.train("transcribe", recordings(24), start=folder / "weights", out=folder / "run", **SHORT)
    return theirs, model, folder


@torch.no_grad()
def test_what_is_written_zero_shot_is_what_transformers_writes(begun):
    theirs, model, folder = begun
    extractor = transformers.WhisperFeatureExtractor(chunk_length=1.5)
    extractor.n_samples = int(1.5 * RATE)
    words = transformers.AutoTokenizer.from_pretrained(folder / "weights")
    rows = recordings(6)
    heard = extractor([row.input for row in rows], sampling_rate=RATE, return_tensors="pt").input_features
    ids = theirs.generate(heard, do_sample=False, num_beams=1, force_unique_generate_call=True)
    texts = words.batch_decode(ids, skip_special_tokens=True)
    times = model.task._tokens.times
    texts = [words.decode([number for number in row if number < times], skip_special_tokens=True) for row in ids]
    found = model([row.input for row in rows])
    assert [answer.text for answer in found] == [model.task.target.read(text) for text in texts]
    assert len(set(texts)) > 1
    assert all(0 <= w.start <= w.end <= 1.5 and 0 <= w.confidence <= 1 for answer in found for w in answer.words)


def test_a_run_is_loaded_is_a_start_and_is_read_by_transformers(begun, tmp_path):
    _, model, folder = begun
    row = recordings(1)[0]
    again = sd.load(folder / "run")
    assert again(row.input)[0].text == model(row.input)[0].text
    theirs = transformers.WhisperForConditionalGeneration.from_pretrained(folder / "run" / "best" / "transformers")
    ours = {name: t for name, t in model.module.state_dict().items() if name.endswith("first.weight")}
    assert torch.equal(theirs.model.encoder.conv1.weight, ours["encoder.first.weight"])
    next_ = sd.train("transcribe", recordings(24), start=folder / "run", out=tmp_path / "run", **SHORT)
    assert next_.run.config["transfer"]["left_random"] == []
    assert next_(row.input)[0].text == model(row.input)[0].text


@pytest.mark.parametrize(
    ("way", "resting"), [("full", "encoder.positions"), ("lora", "encoder.first"), ("frozen", "encoder.")]
)
def test_fine_tuning_learns_in_each_of_its_ways(begun, way, resting, tmp_path):
    _, former, folder = begun
    rows = recordings(16, 0.9)
    options = {**SHORT, "steps": 10, "lr": 0.02, "tune": way, "seconds": 1.0}
    model = sd.train("transcribe", rows, start=folder / "weights", out=tmp_path / way, **options)
    assert _nats(model, rows[:8]) < _nats(former, rows[:8]) - 0.5
    now, then = model.module.state_dict(), former.module.state_dict()
    assert all(torch.equal(now[name], then[name]) for name in now if name.startswith(resting))
    assert not all(torch.equal(now[name], then[name]) for name in now)


@torch.no_grad()
def _nats(model, rows):
    task = model.task
    x, y = task.encode_inputs([r.input for r in rows]), task.encode_targets([r.target for r in rows])
    return float(task.loss(model.module, x, y).mean())


@torch.no_grad()
def test_the_loss_is_the_mean_of_what_transformers_gives_for_each_token(begun):
    theirs, model, _ = begun
    rows = recordings(3)
    task = model.task
    x, y = task.encode_inputs([r.input for r in rows]), task.encode_targets([r.target for r in rows])
    found = task.loss(model.module, x, y)
    heard = model.module.front(x).transpose(1, 2)
    logits = theirs(heard, decoder_input_ids=y.ids[:, :-1]).logits.log_softmax(2)
    for k, length in enumerate(y.lengths.tolist()):
        told = [float(logits[k, t - 1, y.ids[k, t]]) for t in range(2, length)]
        assert float(found[k]) == pytest.approx(-sum(told) / len(told), abs=1e-4)


def test_long_recordings_silence_and_windows(begun):
    _, model, _ = begun
    wave = np.concatenate([row.input for row in recordings(5)])
    (answer,) = model(wave)
    starts = [word.start for word in answer.words]
    assert starts == sorted(starts)
    assert starts[-1] > 1.5
    assert "stretches" in model.task.note(wave)
    (silent,) = model(np.zeros(RATE, np.float32))
    assert silent.text == ""
    assert model.task.note(np.zeros(RATE, np.float32)) == "nobody speaks in it"


def test_of_windows_that_overlap_each_tells_its_half():
    words = [Word("a", 0.0, 0.4, 1.0), Word("b", 2.2, 2.6, 1.0), Word("c", 3.0, 3.4, 1.0)]
    first = (0.0, 4.0, Noted(words, 0.0))
    second = (2.0, 6.0, Noted([Word("b", 0.2, 0.6, 1.0), Word("c", 1.0, 1.4, 1.0), Word("d", 3.0, 3.2, 1.0)], 0.0))
    assert [word.text for word in dictation.joined([first, second])] == ["a", "b", "c", "d"]
    assert dictation.joined([second])[0].start == pytest.approx(2.2)


def test_words_have_the_times_and_probabilities_of_their_tokens(begun):
    tokens = begun[1].task._tokens
    ids = [int(number) for number in tokens.tokenizer.ids(" So, mia-os")]
    texts = [tokens.tokenizer.decode([number]) for number in ids]
    sure, times = np.log(np.linspace(0.9, 0.5, len(ids))), np.arange(len(ids) + 1.0)
    so, mia, os = words_of(ids, sure, times, tokens, "plain")
    assert (so.text, mia.text, os.text) == ("so", "mia", "os")
    comma = texts.index(",")
    letters = [k for k in range(comma) if texts[k].strip()]
    assert so.confidence == pytest.approx(math.exp(sure[letters].sum()))  # what is no word does not count
    assert (so.start, so.end) == (letters[0], comma + 1)
    assert (mia.start, os.end) == (next(k for k in range(comma + 1, len(ids)) if texts[k].strip()), len(ids))
    assert mia.end == os.start
    assert [word.text for word in words_of(ids, sure, times, tokens, "written")] == ["So,", "mia-os"]


def test_manners_of_writing(begun):
    _, model, _ = begun
    wave = recordings(1)[0].input
    timed = model.with_options({"timestamps": True})(wave)[0]
    assert all(0 <= word.start <= word.end <= 1.5 for word in timed.words)
    assert not any(c.isdigit() for c in model.with_options({"digits": False, "beams": 3})(wave)[0].text)
    with pytest.raises(UsageError, match="English alone"):
        model.with_options({"language": "de"})(wave)


def test_weights_of_many_languages_ask_for_one_or_detect_it(tmp_path):
    theirs = made(tmp_path / "weights", multilingual=True)
    rows = recordings(24)
    with pytest.raises(UsageError, match="not named"):
        sd.train("transcribe", rows, start=tmp_path / "weights", out=tmp_path / "none", **SHORT)
    model = sd.train("transcribe", rows, start=tmp_path / "weights", out=tmp_path / "run", language="de", **SHORT)
    x = model.task.encode_inputs([rows[0].input])
    (found,) = theirs.detect_language(model.module.front(x).transpose(1, 2)).tolist()
    code = next(code for code, number in model.task._tokens.languages.items() if number == found)
    auto, named = (model.with_options({"language": word})(rows[0].input)[0].text for word in ("auto", code))
    assert auto == named


def test_what_does_not_go_together_is_refused(tmp_path):
    made(tmp_path / "weights")
    rows = recordings(24)
    for settings, message in (
        ({"model": "whisper"}, "no weights to begin with"),
        ({"start": tmp_path / "weights", "model": "rnn"}, "the model is rnn"),
        ({"start": tmp_path / "weights", "seconds": 2.0}, "hear 1.5"),
        ({"start": tmp_path / "weights", "rate": 8000}, "16,000"),
    ):
        with pytest.raises(UsageError, match=message):
            sd.train("transcribe", rows, out=tmp_path / "run", **{**SHORT, **settings})
    pairs = [Example("a b", "b a")] * 20
    with pytest.raises(UsageError, match="hear speech"):
        sd.train("translate", pairs, start=tmp_path / "weights", out=tmp_path / "run", **SHORT)


def test_from_the_command_line_to_subtitles(sounding, tmp_path):
    made(tmp_path / "weights")
    for k, row in enumerate(recordings(24)):
        soundfile.write(tmp_path / f"{k}.wav", row.input, RATE)
        (tmp_path / f"{k}.txt").write_text(row.target)
    words = ("--from", tmp_path / "weights", "steps=1", "lr=0", "validations=1", "--card", "none")
    status, out, err = sounding("train", "transcribe", tmp_path, *words)
    assert status == 0, err
    assert "Whisper's tokens" in out + err
    status, _, err = sounding("predict", "runs/transcribe/1", tmp_path / "0.wav", "--out", "said.srt")
    assert status == 0, err
    assert "-->" in (tmp_path / "said.srt").read_text()
