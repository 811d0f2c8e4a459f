"""Learning from texts without answers: how documents are found, split or divided, and cut into windows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kinds import Sentences, Text

from sounding.contract.inputs import Divisible
from sounding.contract.records import Example
from sounding.contract.task import Learning
from sounding.data import Columns, open_data, picked
from sounding.data.audit import check, describe
from sounding.data.report import Report
from sounding.data.windows import PackedWindows
from sounding.errors import DataError


class Letters(Text, Divisible):
    """A text as its letters; after `fit`, `known` are those of the training documents."""

    def fit(self, values: Iterable[str]) -> None:
        self.known = sorted(set("".join(values)))

    def divide(self, value: str, shares: Sequence[float]) -> list[str]:
        cuts = [0, *(round(len(value) * share) for share in np.cumsum(shares))]
        return [value[a:b] for a, b in pairwise(cuts)]


class Continue(Sentences):
    """What letter comes next."""

    learns = Learning.DOCUMENTS
    input_kind = Letters
    layouts = ()
    length = 8

    def windows(self, documents: Sequence[Any]) -> Sequence[Example]:
        def example(window: np.ndarray, group: str) -> Example:
            text = "".join(map(chr, window))
            return Example(text[:-1], text[1:], group)

        tokens = [np.array([ord(letter) for letter in text], np.int32) for text in documents]
        return PackedWindows(tokens, self.length, ord("|"), example, overlap=1)

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        return [Example(f"sentence {rng.integers(10**9)}") for _ in range(n)]


def text_of(windows: Sequence[Example]) -> str:
    """The text that consecutive windows hold, each target letter once; the last window may repeat some of it."""
    return windows[0].input[0] + "".join(window.target for window in windows)


def letters(windows: Sequence[Example]) -> set[str]:
    return set().union(*(set(w.input) | set(w.target) for w in windows)) - {"|"}


def corpus(folder: Path, n: int = 60, start: int = 0) -> Path:
    for i in range(start, start + n):
        file = folder / "books" / f"{i:03}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"the {i}. story of {i * 7919 % 1000}\nand its end\n")
    return folder


# ---- where documents are found


def test_a_folder_of_texts_is_split_by_document(tmp_path):
    corpus(tmp_path / "corpus")
    (tmp_path / "corpus" / "cover.jpg").write_bytes(b"x")
    (tmp_path / "corpus" / ".hidden.txt").write_text("not a document")
    data = open_data(Continue(), tmp_path / "corpus")
    report = data.report
    assert report.rows == sum(report.documents.values()) == 60
    assert all(report.documents[split] >= 1 for split in report.documents)
    assert report.split_origin == "hash of content"
    assert report.splits == {split: len(getattr(data, split)) for split in report.splits}
    assert report.ignored == ("corpus/cover.jpg",)
    assert report.digest
    assert report.files[0].files == 60
    groups = {window.group for window in data.train}
    assert len(groups) == report.documents["train"]


def test_the_split_depends_on_what_the_documents_say_alone(tmp_path):
    first = open_data(Continue(), corpus(tmp_path / "a"))
    table = tmp_path / "same.jsonl"
    texts = [file.read_text() for file in sorted((tmp_path / "a").rglob("*.txt"))]
    table.write_text("".join(json.dumps({"text": text}) + "\n" for text in reversed(texts)))
    second = open_data(Continue(), table)
    assert second.report.digest == first.report.digest
    assert second.report.documents == first.report.documents
    assert set(text_of(second.test).split("|")) >= set(text_of(first.test[:-1]).split("|")[:-1])
    more = open_data(Continue(), corpus(tmp_path / "a", n=30, start=60))
    grown = more.report.documents
    assert sum(grown.values()) == 90
    assert all(grown[split] >= first.report.documents[split] for split in grown)


def test_the_input_is_fitted_to_the_training_documents_alone(tmp_path):
    for split, word in (("train", "abc"), ("validation", "bcd"), ("test", "cde")):
        folder = tmp_path / "corpus" / split
        folder.mkdir(parents=True)
        for i in range(3):
            (folder / f"{i}.txt").write_text(word * (5 + i))
    task = Continue()
    data = open_data(task, tmp_path / "corpus")
    assert task.input.known == ["a", "b", "c"]
    assert data.report.documents == {"train": 3, "validation": 3, "test": 3}
    assert data.report.split_origin == "given"
    assert letters(data.test) == set("cde")
    assert data.unseen is data.test


def test_files_called_after_splits(tmp_path):
    for name, word in (("train", "abc"), ("val", "bcd"), ("test", "cde")):
        (tmp_path / f"{name}.txt").write_text(word * 9)
    data = open_data(Continue(), tmp_path)
    assert (letters(data.train), letters(data.validation), letters(data.test)) == (set("abc"), set("bcd"), set("cde"))
    tables = tmp_path / "tables"
    tables.mkdir()
    for name, word in (("train", "abc"), ("dev", "bcd"), ("test", "cde")):
        (tables / f"{name}.csv").write_text(f"text\n{word * 9}\n{word * 8}\n")
    data = open_data(Continue(), tables)
    assert (letters(data.train), letters(data.validation), letters(data.test)) == (set("abc"), set("bcd"), set("cde"))


def test_a_table_with_the_input_column_alone_is_guessed_and_announced(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("essay\n" + "".join(f"essay number {i}\n" for i in range(40)))
    report = open_data(Continue(), path).report
    assert report.notes[0] == "input=essay (guessed)"
    assert report.column_names == {"input": "essay"}
    path.write_text("a,b\n" + "".join(f"first {i},second {i}\n" for i in range(40)))
    with pytest.raises(DataError, match="more than one column could be the input"):
        open_data(Continue(), path)
    named = open_data(Continue(), path, Columns(input="b"))
    assert all("first" not in window.input for window in named.train)


def test_documents_of_one_group_stay_together(tmp_path):
    path = tmp_path / "texts.jsonl"
    rows = [{"text": f"text {i} of author {i % 12}", "author": f"author {i % 12}"} for i in range(60)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = open_data(Continue(), path)
    assert data.report.split_origin == "hash of group"
    authors = [
        {part.split("author ")[-1] for part in text_of(windows).split("|") if "author " in part}
        for windows in (data.validation, data.test)
    ]
    assert not authors[0] & authors[1]


@pytest.mark.parametrize("as_examples", [False, True])
def test_lists_in_memory(as_examples):
    texts = [f"text number {i}" for i in range(50)]
    data = open_data(Continue(), [Example(text) for text in texts] if as_examples else texts)
    assert data.report.rows == 50
    assert data.report.source == "in memory"
    assert len(data.train) > len(data.test) > 0


def test_the_demonstration_of_a_task():
    data = open_data(Continue(), "demo")
    assert data.report.source == "demo"
    assert data.report.documents["test"] > 0


def test_what_cannot_hold_documents_is_said(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(DataError, match=r"a\.pdf: cannot take rows from a \.pdf file.*or a \.txt file"):
        open_data(Continue(), tmp_path / "a.pdf")
    with pytest.raises(DataError, match=r"looked for \.txt files, or a table"):
        open_data(Continue(), tmp_path)
    with pytest.raises(DataError, match="documents cannot be taken from a NoneType"):
        open_data(Continue(), None)


# ---- few documents


def test_one_long_document_is_divided_into_contiguous_stretches(tmp_path):
    whole = "".join(f"{i:04}," for i in range(1000))
    (tmp_path / "book.txt").write_text(whole)
    data = open_data(Continue(), tmp_path / "book.txt")
    report = data.report
    assert report.rows == 1
    assert report.documents == {"train": 1, "validation": 1, "test": 1}
    assert report.split_origin == "stretches of each document: 80 % train, 10 % validation, 10 % test"
    assert whole.startswith(data.train[0].input)
    assert whole[4000:].startswith(data.validation[0].input)
    assert whole[4500:].startswith(data.test[0].input)
    assert data.test[-1].target.rstrip("|") == whole[-6:]
    assert {window.group for window in data.train} == {""}


def test_a_missing_split_is_a_stretch_of_the_training_documents(tmp_path):
    (tmp_path / "train.txt").write_text("a" * 90 + "b" * 10)
    (tmp_path / "test.txt").write_text("c" * 50)
    data = open_data(Continue(), tmp_path)
    assert (letters(data.train), letters(data.validation), letters(data.test)) == ({"a"}, {"b"}, {"c"})
    assert data.report.split_origin == "given; stretches of the training documents: 90 % train, 10 % validation"


def test_few_documents_that_cannot_be_divided_are_split_whole():
    class Whole(Continue):
        input_kind = type("WholeLetters", (Text,), {"fit": Letters.fit})

    with pytest.raises(DataError, match=r"no window is left for .* \(1 document in all\)"):
        open_data(Whole(), ["one document only"])
    data = open_data(Whole(), ["one document only", "and another one", "and a third of them"])
    assert data.report.documents == {"train": 1, "validation": 1, "test": 1}


def test_reopening_finds_the_same_windows(tmp_path):
    (tmp_path / "book.txt").write_text("".join(f"{i:04}," for i in range(300)))
    task = Continue()
    first = open_data(task, tmp_path / "book.txt")
    known = list(task.input.known)
    again = open_data(task, tmp_path / "book.txt", fit=False)
    assert again.report.digest == first.report.digest
    assert list(again.test) == list(first.test)
    (tmp_path / "other.txt").write_text("xyz" * 20)
    other = open_data(task, tmp_path / "other.txt", fit=False)
    assert task.input.known == known
    assert text_of(other.unseen).startswith("xyz" * 19)


# ---- what is wrong with them


def test_bad_documents_are_rejected_by_file_and_line(tmp_path):
    folder = corpus(tmp_path / "corpus")
    (folder / "books/bad.txt").write_bytes(b"first line\nsecond \xe9 line caf\xc3\xa9\n")
    (folder / "books/empty.txt").write_text(" \n")
    with pytest.raises(DataError) as error:
        open_data(Continue(), folder)
    said = str(error.value)
    assert "2 of 62 documents cannot be used" in said
    assert "corpus/books/bad.txt:2: byte 0xE9 is not UTF-8. Save the file as UTF-8" in said
    assert "corpus/books/empty.txt: the document is empty" in said
    report = open_data(Continue(), folder, allow_bad=0.05).report
    assert report.rows == 62
    assert sum(report.documents.values()) == 60
    assert len(report.rejected) == 2


def test_bad_rows_of_a_table_are_rejected_by_line(tmp_path):
    lines = [json.dumps({"text": f"text {i}"}) for i in range(40)]
    lines[4], lines[7] = json.dumps({"text": ""}), "{broken"
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(lines))
    report = check(Continue(), path)
    assert [row.where for row in report.rejected] == ["texts.jsonl:5", "texts.jsonl:8"]
    assert not report.usable


def test_documents_too_short_for_a_window_are_a_problem():
    with pytest.raises(DataError, match="no window is left for validation and test"):
        open_data(Continue(), ["a document of forty letters or thereabout"])


def test_checking_says_it_in_words(tmp_path):
    folder = corpus(tmp_path / "corpus")
    report = check(Continue(), folder)
    text = describe(report)
    assert "60 documents in 60 files, 60 usable, 0 rejected" in text
    assert text.rstrip().endswith("usable")
    lines = [line.split() for line in text.splitlines()]
    assert ["documents", *(str(report.documents[split]) for split in ("train", "validation", "test")), "60"] in lines
    assert lines[[line[:1] for line in lines].index(["windows"])][-1] == f"{report.used:,}"
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_copies_across_splits_are_counted(tmp_path):
    for split in ("train", "validation", "test"):
        corpus(tmp_path / split, n=12, start={"train": 0, "validation": 20, "test": 40}[split])
    (tmp_path / "test/books/011.txt").write_text((tmp_path / "train/books/011.txt").read_text())
    found = check(Continue(), tmp_path).duplicates.across
    assert found.count == 1
    assert found.places[0][0].endswith("test/books/011.txt")


# ---- packing


def windows(documents, length, separator=None, overlap=0):
    arrays = [np.array(document, np.int16) for document in documents]
    return PackedWindows(arrays, length, separator, lambda w, group: Example(w.tolist(), None, group), overlap=overlap)


@pytest.mark.parametrize("overlap", [0, 1, 3])
@pytest.mark.parametrize("separator", [None, -1])
@pytest.mark.parametrize("lengths", [[40], [3, 9, 0, 1, 25], [8, 8, 8], [7, 6]])
def test_packing_leaves_no_token_out_and_adds_none(lengths, separator, overlap):
    values = iter(range(1000))
    documents = [[next(values) for _ in range(n)] for n in lengths]
    stream = [token for document in documents for token in [*document, *([] if separator is None else [separator])]]
    found = windows(documents, 8, separator, overlap)
    rebuilt = list(found[0].input)
    for window in found[1:-1]:
        assert window.input[:overlap] == rebuilt[len(rebuilt) - overlap :]
        rebuilt += window.input[overlap:]
    rest = len(stream) - len(rebuilt)
    if len(found) > 1:
        assert 0 < rest <= 8 - overlap
        rebuilt += found[-1].input[8 - rest :]
    assert rebuilt == stream
    assert all(len(window.input) == 8 for window in found)
    assert found[len(found) - 1].input == stream[-8:]


def test_windows_are_grouped_by_the_document_in_which_they_begin():
    found = windows([[0] * 5, [1] * 20, [2] * 3], 4, separator=9)
    assert [(window.input[0], window.group) for window in found][:4] == [(0, "0"), (0, "0"), (1, "1"), (1, "1")]
    assert found[-1].group == "2" or found[-1].input[0] == 1


def test_fewer_tokens_than_a_window_make_none():
    assert len(windows([[1, 2, 3]], 4)) == 0
    assert len(windows([], 4)) == 0
    assert len(windows([[1, 2, 3]], 4, separator=0)) == 1
    with pytest.raises(ValueError, match="cannot overlap"):
        windows([[1]], 4, overlap=4)


def test_windows_of_a_mapped_file_are_read_when_asked_for(tmp_path):
    path = tmp_path / "tokens.bin"
    np.arange(10_000, dtype=np.uint16).tofile(path)
    tokens = np.memmap(path, np.uint16, "r")
    found = PackedWindows(tokens, 100, None, lambda w, group: Example(w, None, group))
    assert found[37].input.tolist() == list(range(3700, 3800))
    assert found[37].input.base is not None  # a view, no copy
    assert [w.input[0] for w in found[5:9:2]] == [500, 700]
    assert [w.input[0] for w in found[5:9][1:]] == [600, 700, 800]
    assert [w.input[0] for w in picked(found, np.array([3, 1]))] == [300, 100]
    with pytest.raises(IndexError):
        found[100]
