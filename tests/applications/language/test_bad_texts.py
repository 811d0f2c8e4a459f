"""Texts and settings that are not as they should be: one clear message, and nothing lost."""

import pytest

import sounding as sd
from sounding.applications.language.fill.task import Fill
from sounding.applications.language.generate.task import Generate
from sounding.data import open_data
from sounding.errors import DataError, UsageError

WORDS = "one line that does not end and goes on "


def opened(task, path, text, **settings):
    path.write_text(text)
    made = task(task.Recipe.make("tiny", settings))
    return open_data(made, path), made


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "generate"
    return sd.train("generate", "demo", out=out, size="tiny", steps=1, card=None, context=16)


@pytest.mark.parametrize("task", [Generate, Fill])
def test_a_document_of_a_megabyte_on_one_line_is_split_and_cut(tmp_path, task):
    data, made = opened(task, tmp_path / "endless.txt", WORDS * 26_000, vocabulary=300)
    windows = [len(part) for part in (data.train, data.validation, data.test)]
    assert windows[0] > 5 * windows[1] > 0
    assert windows[2] > 0
    assert made.length(data.train[0]) > 32


@pytest.mark.parametrize("task", [Generate, Fill])
def test_an_empty_file_and_one_of_a_word_are_refused(tmp_path, task):
    with pytest.raises(DataError, match=r"empty\.txt: the document is empty"):
        opened(task, tmp_path / "empty.txt", "")
    with pytest.raises(DataError, match="no window is left"):
        opened(task, tmp_path / "word.txt", "hi")


def test_texts_that_are_shorter_than_a_window_make_shorter_ones(tmp_path):
    data, made = opened(Generate, tmp_path / "short.txt", "a few words only, and some more of them", context=500)
    assert 2 <= made.length(data.test[0]) < 20


@pytest.mark.parametrize("task", ["generate", "fill"])
def test_an_unknown_tokenizer_and_a_vocabulary_without_room_are_refused_before_anything_is_read(task):
    with pytest.raises(UsageError, match=r"'wordpeice'.*Did you mean wordpiece"):
        sd.train(task, "nowhere.txt", tokenizer="wordpeice")
    with pytest.raises(UsageError, match="a vocabulary of 0 has no room"):
        sd.train(task, "nowhere.txt", vocabulary=0)


def test_a_model_that_sees_nothing_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text(WORDS * 20)
    with pytest.raises(UsageError, match="context=0 is out of its range"):
        sd.train("generate", tmp_path / "a.txt", out=tmp_path / "run", context=0, card=None)


def test_of_a_prompt_that_is_longer_than_the_context_the_end_counts_and_this_is_told(run, sounding):
    long, words = "two wet hens: cluck " * 3000, {"length": 3, "temperature": 0}
    (result,) = run(long, **words)
    assert result.label == run(long[-16:], **words)[0].label
    assert result.note == "the prompt has 60,000 tokens, of which the last 16 are read"
    assert run("two", **words)[0].note == ""
    status, out, err = sounding("predict", run.dir, long, "two", "length=3")
    assert (status, len(out.splitlines())) == (0, 2)
    assert err.startswith("Note: two wet hens: cluck two")
    assert err.endswith(f"…: {result.note}\n")
    assert len(err) < 200
