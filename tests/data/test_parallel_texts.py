"""Texts in several languages: a file for each, and translation memories. What people have, and what goes wrong."""

from pathlib import Path

import pytest

from sounding import catalog
from sounding.data import open_data
from sounding.data.audit import check
from sounding.data.columns import Columns
from sounding.errors import DataError

ENGLISH = [f"The dog number {k} runs over the green grass." for k in range(30)]
GERMAN = [f"Der Hund Nummer {k} rennt über das grüne Gras." for k in range(30)]


def task():
    application = catalog.find("translate")
    return application(application.Recipe.make("tiny"))


def files(folder, stem="train", english=ENGLISH, german=GERMAN, ends=("en", "de")):
    for lines, end in zip((english, german), ends, strict=True):
        (folder / f"{stem}.{end}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


def pairs(source, columns=None):
    found = open_data(task(), source, columns or Columns())
    rows = [*found.train, *found.validation, *found.test]
    return {(str(row.input), str(row.target)) for row in rows}, found


def test_files_side_by_side_are_pairs_in_the_direction_that_is_said(tmp_path):
    files(tmp_path)
    expected = set(zip(ENGLISH, GERMAN, strict=True))
    for source in (tmp_path, tmp_path / "train.en", tmp_path / "train.de"):
        found, data = pairs(source)
        assert found == expected
        assert "input=en (guessed) target=de (guessed)" in data.report.notes
    turned, data = pairs(tmp_path, Columns("de", "en"))
    assert turned == {(b, a) for a, b in expected}
    assert sorted(Path(file.name).name for file in data.report.files) == ["train.de", "train.en"]


def test_files_named_after_splits_are_these(tmp_path):
    files(tmp_path)
    files(tmp_path, "dev", ["A cat."], ["Eine Katze."])
    files(tmp_path, "test", ["A cow.", "Two cows."], ["Eine Kuh.", "Zwei Kühe."])
    found = open_data(task(), tmp_path)
    assert [len(rows) for rows in (found.train, found.validation, found.test)] == [30, 1, 2]
    assert found.test[1].target == "Zwei Kühe."


def test_of_many_languages_two_are_taken(tmp_path):
    files(tmp_path, "Europarl.de-en")
    (tmp_path / "Europarl.de-en.cs").write_text("".join(f"Pes číslo {k} běží.\n" for k in range(30)))
    found, _ = pairs(tmp_path, Columns("cs", "en"))
    assert ("Pes číslo 7 běží.", ENGLISH[7]) in found


def test_files_of_different_length_are_refused_and_nothing_is_shifted(tmp_path):
    files(tmp_path, german=GERMAN[:-1])
    with pytest.raises(DataError) as error:
        open_data(task(), tmp_path)
    assert "train.en has 30 lines and train.de 29" in error.value.what
    assert error.value.where == "train.de:30"


def test_an_empty_line_is_a_row_that_is_named(tmp_path):
    files(tmp_path, german=[*GERMAN[:4], "", *GERMAN[5:]])
    report = check(task(), tmp_path)
    assert [row.where for row in report.rejected] == [f"{tmp_path.name}/train.de + {tmp_path.name}/train.en:5"]
    assert "target is empty" in report.rejected[0].what


def test_several_texts_without_splits_in_their_names_are_refused(tmp_path):
    files(tmp_path, "news")
    files(tmp_path, "books")
    with pytest.raises(DataError, match="several texts and no split"):
        open_data(task(), tmp_path)


UNIT = '<tu>\n<tuv xml:lang="en-GB"><seg>{}</seg></tuv>\n<tuv xml:lang="de"><seg>{}</seg></tuv></tu>\n'


def tmx(path, units, head=""):
    body = "".join(UNIT.format(*unit) if isinstance(unit, tuple) else unit for unit in units)
    path.write_text(f'<?xml version="1.0"?>\n{head}<tmx version="1.4"><header/><body>\n{body}</body></tmx>')
    return path


def test_a_translation_memory_is_a_table_of_its_languages(tmp_path):
    units = [*zip(ENGLISH, GERMAN, strict=True), ('Press <bpt i="1">&lt;b&gt;</bpt>OK<ept i="1"/> &amp; go', "OK")]
    found, data = pairs(tmx(tmp_path / "a.tmx", units))
    assert found == {*zip(ENGLISH, GERMAN, strict=True), ("Press OK & go", "OK")}
    assert "input=en (guessed) target=de (guessed)" in data.report.notes


def test_a_unit_without_a_language_is_named_with_its_line(tmp_path):
    lonely = '<tu><tuv xml:lang="en-GB"><seg>Nobody translated this.</seg></tuv></tu>\n'
    report = check(task(), tmx(tmp_path / "a.tmx", [*zip(ENGLISH[:3], GERMAN, strict=False), lonely]))
    assert [row.where for row in report.rejected] == ["a.tmx:12"]
    assert "target is empty" in report.rejected[0].what


ENTITY = '<!DOCTYPE tmx [<!ENTITY secret SYSTEM "file:///etc/passwd">]>\n'


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: tmx(path, [("&secret;", "x")], ENTITY), "defines an entity"),
        (lambda path: path.write_text("<tmx><body><tu>"), "not XML"),
        (lambda path: path.write_text("<html><body/></html>"), "no TMX"),
        (lambda path: path.write_bytes(b'<?xml version="1.0" encoding="UTF-8"?><tmx>\xe4</tmx>'), "Save it as UTF-8"),
        (lambda path: tmx(path, ['<tu><tuv xml:lang="en"><seg>a b</seg></tuv></tu>']), "texts in en alone"),
        (lambda path: tmx(path, []), "no units"),
    ],
)
def test_what_is_no_translation_memory_is_refused(tmp_path, make, what):
    path = tmp_path / "a.tmx"
    make(path)
    with pytest.raises(DataError, match=what) as error:
        open_data(task(), path)
    assert str(error.value.where).startswith("a.tmx")
