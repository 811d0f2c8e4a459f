"""Speech recognition: the network, recordings of any length, the language model, and the command line."""

from __future__ import annotations

import copy
import csv
import json
import math

import numpy as np
import pytest
import soundfile
import torch

from sounding.applications.speech.transcribe import answers, babble
from sounding.applications.speech.transcribe.network import Heard, ctc
from sounding.applications.speech.transcribe.task import Transcribe, TranscribeOptions, TranscribeRecipe
from sounding.contract.records import Example
from sounding.data import open_data
from sounding.decoding.ctc import greedy
from sounding.errors import DataError, UsageError
from sounding.machine.setting import Setting
from sounding.modalities.text.text import Tokens
from sounding.randomness import stream
from sounding.training.loop import Budget, fit

RATE = 8000


@pytest.fixture(scope="module")
def learnt():
    task = Transcribe(TranscribeRecipe.make("tiny", {"validations": 1}))
    data = open_data(task, task.demo(stream("transcribe"), 300))
    fitted = fit(task, data.train, data.validation, budget=Budget(steps=160), setting=Setting(threads=1))
    return task, fitted.model, data


def made(task: Transcribe, texts: list[str]) -> Transcribe:
    task.fit([Example(np.zeros(800, np.float32) + 0.1, text) for text in texts])
    return task


# ---- the network


def test_the_loss_is_a_sum_over_all_ways_to_say_a_text_and_never_infinite():
    log_probs = torch.log_softmax(torch.randn(1, 3, 4), 2)
    two = ctc(Heard(log_probs, torch.tensor([3])), Tokens(torch.tensor([[2, 3]]), torch.tensor([2])))
    p = log_probs[0].exp()
    ways = ((0, 2, 3), (2, 0, 3), (2, 3, 0), (2, 2, 3), (2, 3, 3))
    assert float(two) == pytest.approx(-math.log(sum(math.prod(p[t, u] for t, u in enumerate(way)) for way in ways)))
    short = ctc(Heard(log_probs, torch.tensor([1])), Tokens(torch.tensor([[2, 2, 3]]), torch.tensor([3])))
    assert torch.isfinite(short).all()
    silent = ctc(Heard(log_probs, torch.tensor([3])), Tokens(torch.zeros(1, 1, dtype=torch.int64), torch.tensor([0])))
    assert float(silent) == pytest.approx(-float(log_probs[0, :, 0].sum()), rel=1e-5)


def test_both_models_learn_shapes_of_their_own_and_what_is_not_known_is_refused():
    for model in ("conformer", "rnn"):
        task = made(Transcribe(TranscribeRecipe.make("tiny", {"model": model})), ["ab", "b a"])
        net = task.build().eval()
        found = net(torch.rand(2, 4000))
        assert found.log_probs.shape == (2, 13, len(task.target.tokenizer))
        torch.testing.assert_close(found.log_probs.exp().sum(2), torch.ones(2, 13))
    for word in ("model=cnn", "form=loud", "units=words", "order=0", "noise=2"):
        with pytest.raises(UsageError):
            Transcribe(TranscribeRecipe.make("tiny", dict([word.split("=")])))


def test_noise_and_echoes_change_a_batch_where_they_are_asked_for():
    x = torch.rand(2, 4000) - 0.5
    for setting in ("noise", "reverberation"):
        task = Transcribe(TranscribeRecipe.make("tiny", {setting: 1.0}))
        changed, _ = task.augment(x, torch.Generator().manual_seed(0))
        assert changed.shape == x.shape
        assert not torch.equal(changed, x)


# ---- answers


def test_words_stand_where_they_were_said(learnt):
    task, model, _ = learnt
    rng = stream("two words")
    first, said, _ = babble.sentence(rng, RATE)
    second, also, _ = babble.sentence(rng, RATE)
    gap = 0.001 * stream("gap").standard_normal(RATE).astype(np.float32)
    cut = task.with_options({"window": 2.0})
    (answer,) = cut.predict(model, [np.concatenate([first, gap, second])])
    words = answer.value.words
    assert answer.value == f"{said} {also}"
    edge = len(said.split())
    assert all(0 <= word.start < word.end <= len(first) / RATE + 0.1 for word in words[:edge])
    assert all(word.start >= (len(first) + len(gap)) / RATE - 0.1 for word in words[edge:])
    assert all(0 <= word.confidence <= 1 for word in words)
    assert len(answer.scores) == len(words)


def test_a_long_recording_is_cut_where_nobody_speaks_and_says_the_same(learnt):
    task, model, _ = learnt
    rng = stream("long")
    parts = [babble.sentence(rng, RATE) for _ in range(6)]
    gap = 0.001 * stream("gap").standard_normal(RATE // 2).astype(np.float32)
    wave = np.concatenate([piece for wave, _, _ in parts for piece in (wave, gap)])
    cut = task.with_options({"window": 3.0})
    (answer,) = cut.predict(model, [wave])
    assert answer.value == " ".join(said for _, said, _ in parts)
    starts = [word.start for word in answer.value.words]
    assert starts == sorted(starts)
    assert "stretches" in cut.note(wave)
    assert task.note(wave) == ""


def test_windows_that_overlap_are_put_together_in_the_middle():
    whole = np.log(stream("told").dirichlet(np.ones(4), 200))
    parts = [answers.Piece(0, 0.0, 4.0), answers.Piece(0, 2.0, 6.0), answers.Piece(0, 7.0, 8.0)]
    told = [whole[round(p.start / 0.04) : round(p.end / 0.04)] for p in parts]
    first, second = answers.joined(parts, told)
    assert (first.start, second.start) == (0.0, 7.0)
    assert (first.log_probs == whole[:150]).all()
    assert (second.log_probs == whole[175:]).all()


def test_silence_says_nothing_and_is_told(learnt):
    task, model, _ = learnt
    silence = np.zeros(2 * RATE, np.float32)
    (long,) = task.with_options({"window": 1.0}).predict(model, [silence])
    assert long.value == ""
    assert long.value.words == ()
    assert task.note(silence) == "nobody speaks in it"


# ---- what is long, and what is not known


def table(folder, rows):
    """Recordings with their transcripts and splits as a table."""
    with open(folder / "said.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["audio", "text", "split"])
        for k, (wave, said, split) in enumerate(rows):
            soundfile.write(folder / f"{k}.wav", wave, RATE)
            writer.writerow([f"{k}.wav", said, split])
    return folder / "said.csv"


def sentences(n):
    rng = stream("sentences")
    return [babble.sentence(rng, RATE)[:2] for _ in range(n)]


def test_long_rows_are_not_learnt_from_which_is_told_but_measured_on(tmp_path):
    (wave, said), *others = sentences(8)
    long = np.tile(wave, 1 + 2 * RATE // len(wave)), f"{said} {said}"
    splits = ("train", "train", "train", "validation", "validation", "test", "test")
    rows = [(*long, "train"), (*long, "test"), *((*one, split) for one, split in zip(others, splits, strict=True))]
    task = Transcribe(TranscribeRecipe.make("tiny", {"longest": 1.5}))
    data = open_data(task, table(tmp_path, rows), allow_bad=0.2)
    (rejected,) = data.report.rejected
    assert rejected.where == "said.csv:2"
    assert "at most 1.5 s" in rejected.what
    assert "longest" in rejected.fix
    assert (len(data.train), len(data.test)) == (3, 3)
    with pytest.raises(DataError, match="1 of 9 rows cannot be used") as told:
        open_data(task, tmp_path / "said.csv", allow_bad=0.1)
    assert "said.csv:2" in str(told.value)


def test_a_long_row_is_heard_in_windows_of_the_length_that_was_learnt_from(learnt):
    task, model, _ = learnt
    parts = sentences(9)
    wave = np.concatenate([wave for wave, _ in parts])
    x = task.encoded(model, [wave, parts[0][0]])
    short = copy.deepcopy(model).eval()
    short.longest = 60
    with torch.inference_mode():
        whole, found = model.eval()(x), short(x)
        first = short(x[1:, : len(parts[0][0])])
    assert found.log_probs.shape == whole.log_probs.shape
    assert found.lengths.tolist() == whole.lengths.tolist()
    texts = [task.target.tokenizer.decode(greedy(each.log_probs[0].numpy())) for each in (whole, found)]
    letters = [text.replace(" ", "") for text in texts]  # so long a row was not learnt from: spaces are not sure in it
    assert letters[0] == letters[1]
    known = int(first.lengths)
    torch.testing.assert_close(found.log_probs[1, :known], first.log_probs[0, :known], rtol=1e-3, atol=1e-3)


def test_characters_that_no_training_transcript_has_are_told_before_the_training(tmp_path):
    rows = [(*one, "train") for one in sentences(4)]
    rows += [(rows[0][0], "so é", "validation"), (rows[1][0], "ça so", "test"), (rows[2][0], "so", "test")]
    task = Transcribe(TranscribeRecipe.make("tiny"))
    notes = " ".join(open_data(task, table(tmp_path, rows)).report.notes)
    assert "2 held-out rows have 'é', 'ç', which no training row has" in notes
    assert "said.csv:6, said.csv:7" in notes


# ---- the language model


def test_the_language_model_decides_what_the_sound_leaves_open(tmp_path):
    file = tmp_path / "said.txt"
    file.write_text("See the sea!\n" * 20)
    task = made(Transcribe(TranscribeRecipe.make("tiny", {"lm": str(file)})), ["see the sea", "the tea"])
    tokenizer = task.target.tokenizer
    ids = tokenizer.ids("the ?ea".replace("?", "t"))
    log_probs = np.full((2 * len(ids), len(tokenizer)), -12.0)
    log_probs[1::2, 0] = 0.0
    for k, unit in enumerate(ids):
        log_probs[2 * k, unit] = -0.1
    t, s = tokenizer.id("t"), tokenizer.id("s")
    log_probs[8, t], log_probs[8, s] = math.log(0.55), math.log(0.45)
    assert tokenizer.decode(greedy(log_probs)) == "the tea"
    model = task.build()
    search = task.with_options({"lm_weight": 1.0})._search(model)
    assert tokenizer.decode(search(log_probs)) == "the sea"
    assert task._search(model) is greedy  # until validation rows have chosen
    again = type(task).restored(json.loads(json.dumps(task.state())))
    assert tokenizer.decode(again.with_options({"lm_weight": 1.0})._search(model)(log_probs)) == "the sea"
    with pytest.raises(DataError, match="no such text file"):
        made(Transcribe(TranscribeRecipe.make("tiny", {"lm": "none.txt"})), ["a"])


def test_validation_rows_choose_the_weight(learnt):
    task, model, _ = learnt
    weight, bonus = model.decoding.tolist()
    assert weight >= 0
    assert bonus >= 0
    options = TranscribeOptions(beams=1)
    assert Transcribe(task.recipe, options)._search(model) is greedy


# ---- the command line


def test_from_a_folder_of_clips_to_subtitles(sounding, tmp_path):
    rng = stream("clips")
    for k in range(40):
        wave, said, _ = babble.sentence(rng, RATE)
        soundfile.write(tmp_path / f"{k}.wav", wave, RATE)
        (tmp_path / f"{k}.txt").write_text(said.capitalize() + ".\n")
    (tmp_path / "39.txt").unlink()
    status, out, err = sounding(
        "train", "transcribe", tmp_path, "size=tiny", "steps=20", "validations=1", "--card", "none"
    )
    assert status == 0, err
    assert "39.txt" in out + err
    run = "runs/transcribe/1"
    status, out, err = sounding("predict", run, tmp_path / "0.wav", "--out", "said.srt")
    assert status == 0, err
    status, out, err = sounding("predict", run, tmp_path / "0.wav", tmp_path / "1.wav", "--out", "said")
    assert status == 0, err
    status, out, err = sounding("predict", run, tmp_path / "0.txt")
    assert status == 1
    assert "is not a recording" in err
    assert len((tmp_path / "said" / "0.vtt").read_text()) > 5
    answers_ = [json.loads(line) for line in (tmp_path / "said" / "answers.jsonl").read_text().splitlines()]
    assert set(answers_[0]["answer"]) == {"text", "words"}
