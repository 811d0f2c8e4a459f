"""A small language model trained on its demonstration texts: what it learns from, and what it writes."""

import io
import json
import math
import sys

import click
import numpy as np
import pytest
import torch
from torch.nn import functional as F

import sounding as sd
from sounding.applications.language.generate.passages import FEW, Passages
from sounding.applications.language.generate.task import Generate
from sounding.applications.language.generate.writing import Writer
from sounding.applications.language.shared.token_metrics import bits_per_byte, token_accuracy
from sounding.contract.records import Example
from sounding.data import open_data
from sounding.machine.setting import Setting
from sounding.modalities.text.passage import Passage
from sounding.modalities.text.specials import END
from sounding.randomness import stream
from sounding.training.loop import Budget, fit


def fitted(texts, **settings):
    task = Generate(Generate.Recipe.make("tiny", settings))
    task.fit([Example(text) for text in texts])
    return task


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "generate"
    return sd.train("generate", "demo", out=out, size="tiny", steps=150, card=None, context=48)


TEXTS = ["The sun shines.\nIt is warm.", "Rain falls on the roof of the old house.", "Naïve 😀 text — שלום"]


def test_every_token_but_the_first_is_told_once_and_documents_are_kept_apart():
    task = fitted(TEXTS, context=7)
    windows = task.windows(TEXTS)
    stream_of_ids = [id for text in TEXTS for id in (*task.input.tokenizer.ids(text), END)]
    told = [id for w in list(windows)[:-1] for id in np.concatenate([w.input.ids, w.target.ids])[1:]]
    assert told == stream_of_ids[1 : 1 + len(told)]
    last = np.concatenate([windows[-1].input.ids, windows[-1].target.ids]).tolist()
    assert last == stream_of_ids[-8:]  # the last window ends where the texts end
    assert {window.group for window in windows} == {"0", "1", "2"}


@pytest.mark.parametrize("kind", ["characters", "bytes", "bpe"])
def test_windows_hold_the_texts_whole_whatever_the_tokens(kind):
    task = fitted(TEXTS, tokenizer=kind, context=500)
    (window,) = task.windows(TEXTS)
    ids = np.concatenate([window.input.ids, window.target.ids])
    assert task.input.tokenizer.decode(ids) == "".join(TEXTS)  # an end is no letter
    assert (ids == END).sum() == len(TEXTS)


def test_characters_where_there_is_little_text_and_else_byte_pairs():
    assert fitted(TEXTS).input.kind == "characters"
    assert fitted([*TEXTS, "".join(map(chr, range(0x4E00, 0x4E00 + 2000)))]).input.kind == "bpe"
    passages = Passages(vocabulary=300)
    passages.fit(["word " * 1000] * (FEW // 5000 + 2))
    assert passages.kind == "bpe"
    assert fitted(TEXTS, tokenizer="bytes").input.kind == "bytes"


def test_a_passage_keeps_its_tokens_and_survives_copies():
    import copy
    import pickle

    passage = Passage.of("ab", np.array([7, 8]))
    for other in (copy.deepcopy(passage), pickle.loads(pickle.dumps(passage))):
        assert other == "ab"
        assert other.ids.tolist() == [7, 8]


def test_the_loss_is_that_of_next_tokens_of_the_whole_window_in_training_and_else_of_what_follows(run):
    task, model = run.task, run.module
    windows = list(run.dataset().test[:3])
    x, y = task.encode_inputs([w.input for w in windows]), task.encode_targets([w.target for w in windows])
    ids = torch.tensor(np.stack([np.concatenate([w.input.ids, w.target.ids]) for w in windows]))
    with torch.no_grad():
        nats = F.cross_entropy(model(ids[:, :-1]).mT, ids[:, 1:], reduction="none")
        given = len(windows[0].input.ids)
        torch.testing.assert_close(task.loss(model.eval(), x, y), nats[:, given - 1 :].mean(1), atol=1e-5, rtol=1e-4)
        whole = [record.loss for record in task.evaluate(model, windows)]
    np.testing.assert_allclose(whole, nats.mean(1).numpy(), atol=1e-5)
    records = task.evaluate(model, windows)
    size = sum(len(str(record.truth).encode()) for record in records)
    assert bits_per_byte().value(records) == pytest.approx(float(nats.sum()) / math.log(2) / size, rel=1e-4)
    right = (model(ids[:, :-1]).argmax(2) == ids[:, 1:]).float().mean()
    assert token_accuracy("", "").value(records) == pytest.approx(float(right), abs=1e-6)


def test_prompts_and_answers_of_any_length_are_read_together(run):
    task, model = run.task, run.module
    pairs = [("two wet hens:", " cluck cluck"), ("one", " old cow: moo"), ("three shy cats: mew", "\n")]
    inputs, answers = map(list, zip(*pairs, strict=True))
    with torch.no_grad():
        together = task.log_likelihood(model, task.encode_inputs(inputs), task.encode_targets(answers))
        for number, (prompt, answer) in enumerate(pairs):
            alone = task.log_likelihood(model, task.encode_inputs([prompt]), task.encode_targets([answer]))
            ids = torch.from_numpy(task.input.tokenizer.ids(prompt + answer))[None]
            scores = model(ids)[0].log_softmax(1)
            expected = scores[:-1].gather(1, ids[0, 1:, None])[len(prompt) - 1 :].mean()
            assert float(alone) == pytest.approx(float(expected), abs=1e-4)
            assert float(together[number]) == pytest.approx(float(alone), abs=1e-4)


def test_what_is_learnt_is_written(run):
    (answer,) = run("three wet hens:", temperature=0, length=30, stop="\n")
    assert answer.label == " cluck cluck cluck"
    assert 0.5 < answer.score <= 1
    assert run.evaluate()["bits per byte"].value < 1.5  # eight would be no model at all


def test_the_same_text_in_any_batch_another_with_another_seed_and_piece_by_piece(run):
    prompts = ["two ", "one old", "three"]
    together = [result.label for result in run(prompts, length=40)]
    assert [run(prompt, length=40)[0].label for prompt in prompts] == together
    assert run("two ", length=40, seed=1)[0].label != together[0]
    pieces = list(run.stream("two ", length=40))
    assert len(pieces) > 5
    assert "".join(pieces) == together[0]


def test_a_stream_is_computed_in_the_precision_that_was_asked_for(run, monkeypatch):
    narrow = sd.load(run.dir, precision="bf16")
    assert "".join(narrow.stream("two ", length=20)) == narrow("two ", length=20)[0].label
    here = lambda *of: (str(torch.is_autocast_enabled("cpu")) for _ in range(2))  # noqa: E731
    monkeypatch.setattr(Generate, "stream", here)
    assert [(piece, torch.is_autocast_enabled("cpu")) for piece in narrow.stream("two ")] == [("True", False)] * 2
    assert list(run.stream("two ")) == ["False", "False"]


def test_beams_find_a_text_at_least_as_probable_as_one_token_after_the_other(run):
    prompts = ["two wet hens:", "one old"]
    greedy, wide = (run(prompts, length=12, beams=beams, temperature=0, length_penalty=0) for beams in (1, 6))
    asked = {"length": 12, "beams": 6, "length_penalty": 0}
    assert list(run.stream(prompts[0], **asked)) == [wide[0].label]
    told = [[answer.score ** len(run.task.input.ids(answer.value)) for answer in some] for some in (greedy, wide)]
    assert sum(told[1]) >= sum(told[0]) * 0.99
    no_pair_twice = str(run(["two wet hens:"], length=24, temperature=0, no_repeat=2)[0].value)
    pairs = [no_pair_twice[k : k + 2] for k in range(len(no_pair_twice) - 1)]
    assert len(set(pairs)) == len(pairs)


def test_an_empty_prompt_is_the_beginning_of_a_document(run):
    assert run.task.predict(run.module, [""])[0].value.split()[0] in ("one", "two", "three")


def test_pieces_are_whole_characters_and_hold_back_what_may_be_a_stop():
    def decode(ids):
        return bytes(ids).decode(errors="replace")

    def pieces(text, stops):
        writer, found = Writer(decode, stops), []
        for byte in text.encode():
            writer.add(byte, 0.0)
            found.append(writer.new())
            if writer.stopped:
                break
        return [piece for piece in (*found, writer.new(done=True)) if piece]

    assert pieces("a😀é", ()) == ["a", "😀", "é"]
    assert pieces("ab\n\ncd", ("\n\n",)) == ["a", "b"]
    assert pieces("a\nb\n", ("\n\n",)) == ["a", "\nb", "\n"]


def test_a_model_of_byte_pairs_comes_back_from_its_folder(tmp_path):
    texts = [Example(each) for each in TEXTS * 20]
    task = Generate(Generate.Recipe.make("tiny", {"tokenizer": "bpe", "vocabulary": 300, "context": 16}))
    data = open_data(task, texts)
    model = fit(task, data.train, data.validation, budget=Budget(steps=2), seed=0, setting=Setting(threads=1)).model
    again = Generate.restored(task.state())
    assert again.predict(model, ["The 😀"]) == task.predict(model, ["The 😀"])
    assert again.input is not again.target or again.input.tokenizer.state() == task.input.tokenizer.state()


def test_the_demonstration_is_the_same_from_the_same_stream():
    task = Generate()
    assert task.demo(stream("a"), 3) == task.demo(stream("a"), 3)


# ---- the command line


class Terminal(io.StringIO):
    """Where a person looks on."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch, sounding):
    """Calls the command line as from a terminal: gives exit status, and what stands there then."""

    def call(*words):
        shown = Terminal()
        monkeypatch.setattr(sys, "stdout", shown)
        status, _, err = sounding(*words)
        return status, shown.getvalue(), err

    return call


def test_on_a_terminal_a_text_appears_while_it_is_written(run, terminal, monkeypatch):
    pieces = list(run.stream("two wet hens:", length=40))
    status, shown, err = terminal("predict", run.dir, "two wet hens:", "length=40")
    assert (status, err) == (0, "")
    assert click.unstyle(shown) == "two wet hens:" + "".join(pieces) + "\n"
    monkeypatch.setattr(Generate, "predict", None)  # nothing else makes the answer
    assert terminal("predict", run.dir, "two wet hens:", "length=40")[1] == shown


def test_elsewhere_and_for_several_texts_an_answer_is_a_line(run, terminal, sounding):
    said = run("two", length=5)[0]
    status, out, _ = sounding("predict", run.dir, "two", "length=5")
    assert (status, out) == (0, f"two\t{said.label}\t{said.score:.3f}\n")
    assert terminal("predict", run.dir, "two", "one", "length=5")[1].startswith("two\t")
    assert json.loads(terminal("predict", run.dir, "two", "length=5", "--json")[1])["answer"] == said.label


def test_options_that_mean_nothing_leave_the_terminal_as_it_is(run, terminal):
    status, shown, err = terminal("predict", run.dir, "two", "temperature=-1")
    assert (status, shown) == (2, "")
    assert "temperature=-1.0 is out of its range" in err


def test_a_text_with_an_equals_sign_is_a_text(run, sounding):
    for text in ("x=3 is good", "length=3 is short", "two=2"):
        status, out, err = sounding("predict", run.dir, text, "length=4")
        assert status == 0, err
        assert out.startswith(f"{text}\t")
        assert len(out.removeprefix(f"{text}\t").rpartition("\t")[0]) <= 4


def test_a_misspelt_option_is_no_text(run, sounding, monkeypatch):
    status, out, err = sounding("predict", run.dir, "two", "temprature=0.7")
    assert (status, out) == (2, "")
    assert "there is no option 'temprature' here" in err
    assert "Did you mean temperature?" in err
    monkeypatch.setattr("sys.stdin", ["temprature=0.7\n"])
    status, out, _ = sounding("predict", run.dir, "-", "length=4")
    assert (status, out[:15]) == (0, "temprature=0.7\t")


def test_a_file_with_a_prompt_is_read_and_a_folder_of_them_is_answered_file_by_file(run, tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text("two wet hens:")
    assert "".join(run.stream(str(tmp_path / "a.txt"), length=9)) == run("two wet hens:", length=9)[0].label
    assert [result.name for result in run.stream(str(tmp_path), length=9)] == ["a", "b"]
