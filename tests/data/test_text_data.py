"""Texts with labels as people keep them, and what is said of files and rows that are wrong."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kinds import Sentences, rejected

from sounding.data import open_data
from sounding.data.audit import check
from sounding.modalities.category import Category
from sounding.modalities.class_folders import CLASS_FOLDERS
from sounding.modalities.text.text import Text

MOODS = ("bad", "good")
THINGS = ("film", "book", "play", "song", "meal", "trip", "room", "game")


class Moods(Sentences):
    """Whether a text speaks well of a thing."""

    layouts = (CLASS_FOLDERS,)

    def modalities(self):
        return Text(longest=16), Category()


def reviews(n=40):
    return [(f"review {i}: the {THINGS[i % 8]} was rather {MOODS[i % 2]}", MOODS[i % 2]) for i in range(n)]


def table(path, pairs, header="text,label"):
    path.write_text("\n".join([header, *(f'"{text}",{label}' for text, label in pairs)]) + "\n")
    return path


def texts(data):
    return {example.input for split in (data.train, data.validation, data.test) for example in split}


def as_files(folder, pairs):
    for number, (text, mood) in enumerate(pairs):
        file = folder / mood / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def as_parquet(folder, pairs):
    features = {"label": {"names": list(MOODS), "_type": "ClassLabel"}, "text": {"dtype": "string", "_type": "Value"}}
    schema = pa.schema(
        [("text", pa.string()), ("label", pa.int64())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    columns = {"text": [text for text, _ in pairs], "label": [MOODS.index(mood) for _, mood in pairs]}
    folder.mkdir()
    pq.write_table(pa.table(columns, schema=schema), folder / "train-00000-of-00001.parquet")
    return folder


def test_class_folders_of_texts_a_table_and_a_hub_file_with_class_names_give_the_same(tmp_path):
    pairs = reviews()
    sources = [
        as_files(tmp_path / "folders", pairs),
        table(tmp_path / "table.csv", pairs),
        as_parquet(tmp_path / "hub", pairs),
    ]
    for source in sources:
        data = open_data(Moods(), source)
        assert texts(data) == {text for text, _ in pairs}
        assert sorted(data.report.classes) == ["bad", "good"]
        assert data.report.usable
        assert any("tokens" in note for note in data.report.notes)


def test_files_of_class_folders_in_other_encodings_are_announced(tmp_path):
    folder = as_files(tmp_path / "folders", reviews())
    (folder / "good/0.txt").unlink(missing_ok=True)
    (folder / "good/a.txt").write_bytes("ein schöner Film".encode("latin-1"))
    (folder / "good/b.txt").write_bytes("ein großer Film".encode("utf-16"))
    (folder / "good/c.txt").write_bytes("\ufeffein Film mit Marke".encode())
    (folder / "bad/d.txt").write_bytes(b"caf\xe9\nodd \x81")
    report = check(Moods(), folder)
    assert [str(row) for row in report.rejected] == [
        "folders/bad/d.txt: line 2: byte 0x81 is neither UTF-8 nor Windows-1252. Save the file as UTF-8"
    ]
    assert "good/a.txt is Latin-1, not UTF-8, and read so" in report.notes
    assert "good/b.txt is UTF-16, not UTF-8, and read so" in report.notes
    found = texts(open_data(Moods(), folder, allow_bad=0.1))
    assert {"ein schöner Film", "ein großer Film", "ein Film mit Marke"} <= found


def test_an_open_quote_at_row_812_is_named_and_the_rows_after_it_are_read(tmp_path):
    lines = ["text,label", *(f"{text},{mood}" for text, mood in reviews(1000))]
    lines[811] = '"an open quote,good'
    path = tmp_path / "reviews.csv"
    path.write_text("\n".join(lines))
    report = check(Moods(), path)
    assert [(row.where, row.what) for row in report.rejected] == [("reviews.csv:812", "a quoted field is never closed")]
    assert report.rows == 1000
    assert report.used == 999


def test_one_column_where_two_are_needed(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text("text\n" + "\n".join(text for text, _ in reviews()))
    said = rejected(path, Moods)
    assert said.startswith("reviews.csv: no column fits as the target (category). Name it with --target")
    assert "Traceback" not in said


@pytest.mark.parametrize("length", [1, 8])
def test_a_header_that_is_swapped(tmp_path, length):
    pairs = [(" ".join([text] * length), mood) for text, mood in reviews()]
    said = rejected(table(tmp_path / "reviews.csv", pairs, header="label,text"), Moods) if length == 1 else None
    if said is not None:
        assert said.startswith("reviews.csv: the columns text and label look swapped: label holds 'review 0: the film")
        assert "--input label --target text" in said
    else:  # no label is so long: the cells say what the header does not, and the guess is announced
        report = open_data(Moods(), table(tmp_path / "reviews.csv", pairs, header="label,text")).report
        assert "input=label (guessed) target=text (guessed)" in report.notes


def test_a_label_that_appears_once_is_named(tmp_path):
    pairs = [*reviews(), ("a text like no other", "odd")]
    report = check(Moods(), table(tmp_path / "reviews.csv", pairs))
    assert [row.where for row in report.rejected] == ["reviews.csv:42"]
    assert "'odd' has only this one row" in report.rejected[0].what


def test_odd_texts_are_rejected_or_read_as_they_are(tmp_path):
    odd = {
        "\u00a0 \u200b": "the text is empty",
        "with a \0 in it": "the text holds a NUL byte (character 8)",
    }
    fine = ["👍🏽👨‍👩‍👧", "שלום עולם", "cafe\u0301", "see notes.txt", "word " * 200_000, "!"]
    rows = [*((text, "good") for text in [*odd, *fine]), *reviews()]
    path = tmp_path / "reviews.jsonl"
    path.write_text("\n".join(json.dumps({"text": text, "label": mood}) for text, mood in rows))
    report = check(Moods(), path)
    assert {row.what for row in report.rejected} == set(odd.values())
    assert all(row.fix for row in report.rejected)
    assert any("reviews.jsonl:7: 1,000,000 characters, of which a model reads 16 tokens" in r for r in report.remarks)
    data = open_data(Moods(), path, allow_bad=0.1)
    assert set(fine) - {fine[4]} <= texts(data)
    assert max(map(len, texts(data))) < 100


def test_texts_that_are_cut_are_told_with_their_share(tmp_path):
    pairs = [(f"{text} and so on and on and on for many more words than are read", mood) for text, mood in reviews(80)]
    notes = open_data(Moods(), table(tmp_path / "reviews.csv", pairs)).report.notes
    cut = next(note for note in notes if "cut" in note)
    assert "training texts are cut: the first 16 tokens are read (72.7 % of all tokens)" in cut  # 16 of 22


def test_a_cell_that_names_a_text_file_is_that_file(tmp_path):
    as_files(tmp_path / "files", reviews())
    lines = [f"files/{mood}/{i}.txt,{mood}" for i, (_, mood) in enumerate(reviews())]
    (tmp_path / "list.csv").write_text("\n".join(["text,label", *lines, "files/gone.txt,good"]))
    data = open_data(Moods(), tmp_path / "list.csv", allow_bad=0.1)
    assert texts(data) == {text for text, _ in reviews()}
    assert "there is no file 'files/gone.txt'" in data.report.rejected[0].what
