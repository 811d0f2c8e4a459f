"""Tables are read with every row at its line, and what is broken is said, not dropped."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sounding.data.rows import batch
from sounding.data.tables import open_table
from sounding.errors import DataError


def rows(path, names, **options):
    block, rejected = load(open_table(path), names, **options)
    return [(block.where(i), *(block.cell(i, name) for name in names)) for i in range(len(block))], rejected


def load(table, names, **options):
    """The columns under their own names."""
    return table.load({name: name for name in names}, **options)


def written(tmp_path, content, name="file.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_lines_are_those_of_an_editor(tmp_path):
    path = written(tmp_path, 'text,label\n"two\nlines",a\n\nplain,b\r\n"say ""yes""",a\n')
    found, rejected = rows(path, ["text", "label"])
    assert found == [("file.csv:2", "two\nlines", "a"), ("file.csv:5", "plain", "b"), ("file.csv:6", 'say "yes"', "a")]
    assert not rejected


cell = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=20).map(str.strip)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(cell, cell), min_size=1, max_size=8))
def test_what_the_csv_module_writes_comes_back_at_its_line(tmp_path_factory, table):
    table = [pair for pair in table if "".join(pair)] or [("x", "y")]
    text = io.StringIO()
    writer, lines = csv.writer(text, quoting=csv.QUOTE_ALL), []
    writer.writerow(["a", "b"])
    for pair in table:
        written_so_far = text.getvalue()
        lines.append(len(io.StringIO(written_so_far, newline=None).read().split("\n")))
        writer.writerow(pair)
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(text.getvalue().encode())
    found, rejected = rows(path, ["a", "b"])
    assert found == [(f"t.csv:{line}", *pair) for line, pair in zip(lines, table, strict=True)]
    assert not rejected


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("\ufefftext,label\ngood,a\n", "bom.csv"),
        ("text;label\ngood;a\n", "semicolon.csv"),
        ("text\tlabel\ngood\ta\n", "tab.tsv"),
        (" text , label \ngood, a,,\n", "spaces.csv"),
        ('{"text": "good", "label": "a"}\n', "lines.jsonl"),
    ],
)
def test_dialects(tmp_path, content, name):
    found, rejected = rows(written(tmp_path, content, name), ["text", "label"])
    assert [row[1:] for row in found] == [("good", "a")]
    assert not rejected


def test_broken_rows_are_refused_with_their_line_and_the_others_read(tmp_path):
    lines = [b"text,label", b"good,a", b"too,many,fields", b"few", b"caf\xe9,a", b'"odd"quote,a']
    lines += ["größer,b".encode(), b'"open,a', b"after it,b"]
    found, rejected = rows(written(tmp_path, b"\n".join(lines) + b"\n"), ["text", "label"])
    assert [row[0] for row in found] == [
        "file.csv:2",
        "file.csv:7",
        "file.csv:9",
    ]  # a quote that stays open spoils its line alone
    said = {rejection.where: rejection.what for rejection in rejected}
    assert said["file.csv:3"] == "3 fields, where the header has 2"
    assert said["file.csv:4"] == "1 fields, where the header has 2"
    assert said["file.csv:5"] == "byte 0xE9 is not UTF-8"
    assert "quote" in said["file.csv:6"]
    assert "never closed" in said["file.csv:8"]
    assert len(said) == 5
    assert all(rejection.fix for rejection in rejected)


def test_broken_json_lines_are_refused(tmp_path):
    lines = [
        b'{"text": "good", "label": 1}',
        b'{"text": "good"',
        b"[1, 2]",
        b'{"text": "\xff, beside caf\xc3\xa9"}',
        b"",
        b'{"label": [1, {"a": null}]}',
    ]
    found, rejected = rows(written(tmp_path, b"\n".join(lines), "file.jsonl"), ["text", "label"])
    assert found == [("file.jsonl:1", "good", 1), ("file.jsonl:6", None, [1, {"a": None}])]
    assert [rejection.where for rejection in rejected] == ["file.jsonl:2", "file.jsonl:3", "file.jsonl:4"]
    assert "not JSON" in rejected[0].what
    assert "list, not an object" in rejected[1].what
    assert "0xFF is not UTF-8" in rejected[2].what


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "empty"),
        ("a.jsonl", b"", "empty"),
        ("a.csv", "text,label\n".encode("utf-16")[:-1], "begins as UTF-16, and is damaged"),
        ("a.csv", "текст,метка\nхорошо,а\n".encode("cp1251"), "neither UTF-8 nor Latin-1"),
        ("a.csv", b"PK\x03\x04\x14\0", "not a text file"),
        ("a.csv", b"text,label,text\n1,2,3\n", "two columns are called 'text'"),
        ("a.jsonl", b"no json at all\n", "not JSON"),
        ("a.parquet", b"PAR1 this is none", "damaged or cut short"),
    ],
)
def test_broken_files(tmp_path, name, content, said):
    with pytest.raises(DataError, match=said) as error:
        open_table(written(tmp_path, content, name))
    assert error.value.where.startswith(name)
    assert error.value.fix


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("latin-1", "Latin-1"),
        ("cp1252", "Windows-1252"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16 without a mark"),
        ("utf-16-be", "UTF-16 without a mark"),
        ("utf-32", "UTF-32"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_files_in_other_encodings_are_read_and_announced(tmp_path, encoding, name, suffix):
    text = "größer als gedacht" + (" – “so”" if encoding == "cp1252" else "")
    separator = "\t" if suffix == ".tsv" else ","
    content = f"text{separator}label\nplain{separator}a\n{text}{separator}b\n"
    if suffix == ".jsonl":
        objects = [{"text": "plain", "label": "a"}, {"text": text, "label": "b"}]
        content = "".join(json.dumps(found, ensure_ascii=False) + "\n" for found in objects)
    path = written(tmp_path, content.encode(encoding), f"file{suffix}")
    found, rejected = rows(path, ["text", "label"])
    assert [row[1:] for row in found] == [("plain", "a"), (text, "b")]
    assert not rejected
    assert open_table(path).notes("label") == [f"file{suffix} is {name}, not UTF-8, and read so"]


def test_utf8_is_not_announced_and_one_broken_byte_in_it_is_a_broken_row(tmp_path):
    path = written(tmp_path, "text,label\ngrößer,a\n".encode())
    assert open_table(path).notes("label") == []
    path = written(tmp_path, "text,label\ngrößer,a\n".encode() + b"caf\xe9,a\n", "broken.csv")
    assert open_table(path).notes("label") == []
    assert [rejection.where for rejection in rows(path, ["text", "label"])[1]] == ["broken.csv:3"]


def test_a_byte_that_latin_1_lacks_too_is_named_with_its_line(tmp_path):
    path = written(tmp_path, b"text,label\ncaf\xe9,a\nodd \x81,b\n")
    found, rejected = rows(path, ["text", "label"])
    assert [row[1:] for row in found] == [("café", "a")]
    assert [str(rejection) for rejection in rejected] == [
        "file.csv:3: byte 0x81 is neither UTF-8 nor Windows-1252. Save the file as UTF-8"
    ]


def test_columns_called_nothing_do_not_clash(tmp_path):
    found, _ = rows(written(tmp_path, ",text,label,\n0,good,a,\n"), ["text", "label"])
    assert found == [("file.csv:2", "good", "a")]


def test_a_parquet_file_that_is_cut_short(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["x"] * 1000, "label": ["a"] * 1000}), path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataError, match="cut short"):
        open_table(path)


def test_no_permission(tmp_path, monkeypatch):
    path = written(tmp_path, "text,label\na,b\n")

    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(DataError, match="no permission"):
        open_table(path)


@pytest.mark.parametrize("budget", [10**9, 10_000])
@pytest.mark.parametrize("dictionary", [False, True])
def test_parquet_cells_are_the_same_from_memory_and_from_disk(tmp_path, budget, dictionary):
    path = tmp_path / "a.parquet"
    held = [{"bytes": bytes([i % 256]) * (i % 97), "path": f"{i}.png"} for i in range(3000)]
    words = pa.array([f"w{i % 7}" for i in range(3000)])
    table = pa.table(
        {"image": held, "word": words.dictionary_encode() if dictionary else words, "unused": ["x" * 100] * 3000}
    )
    pq.write_table(table, path, row_group_size=500)
    cells, _ = load(open_table(path), ["image", "word"], budget=budget)
    assert (cells.held == 0) == (budget == 10_000)
    for i in (0, 499, 500, 1234, 2999, 3):
        assert cells.cell(i, "image") == held[i]
        assert cells.cell(i, "word") == f"w{i % 7}"
        assert cells.where(i) == f"a.parquet:row {i + 1}"


def test_a_text_table_beyond_the_budget_is_mapped_from_disk(tmp_path):
    path = written(tmp_path, "text,label\n" + "".join(f"{'x' * 200} {i},{i % 3}\n" for i in range(5000)))
    cells, _ = load(open_table(path), ["text", "label"], budget=100_000)
    assert cells.held == 0
    assert (cells.where(4321), cells.cell(4321, "label")) == ("file.csv:4323", str(4321 % 3))
    assert cells.cell(4999, "text").endswith(" 4999")


def with_features(table, features):
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def test_class_ids_become_names(tmp_path):
    names = {"_type": "ClassLabel", "names": ["cat", "dog"]}
    features = {
        "label": names,
        "objects": {"category": {"_type": "List", "feature": names}, "area": {"_type": "Value", "dtype": "int64"}},
        "tags": [names],
    }
    table = pa.table({"label": [1, -1, 7], "objects": [{"category": [0, 1], "area": 3}] * 3, "tags": [[1], [], None]})
    path = tmp_path / "a.parquet"
    pq.write_table(with_features(table, features), path)
    opened = open_table(path)
    cells, _ = load(opened, ["label", "objects", "tags"])
    assert [cells.cell(i, "label") for i in range(2)] == ["dog", None]
    assert cells.cell(0, "objects") == {"category": ["cat", "dog"], "area": 3}
    assert [cells.cell(i, "tags") for i in range(3)] == [["dog"], [], None]
    with pytest.raises(DataError, match="class id 7, where the file names 2 classes"):
        cells.cell(2, "label")
    assert opened.notes("label")


CARD = """---
dataset_info:
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': bad
          '1': good
---
# A data set
"""
INFO = json.dumps(
    {"features": {"text": {"_type": "Value"}, "label": {"names": ["bad", "good"], "_type": "ClassLabel"}}}
)


@pytest.mark.parametrize(("beside", "content"), [("README.md", CARD), ("dataset_info.json", INFO)])
@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("train.csv", "text,label\na,1\nb,0\nc,-1\n"),
        ("train.jsonl", '{"text": "a", "label": 1}\n{"text": "b", "label": 0}\n{"text": "c", "label": -1}\n'),
    ],
)
@pytest.mark.parametrize("folder", [".", "data"])
def test_class_ids_become_names_by_the_description_beside_them(tmp_path, beside, content, name, table, folder):
    (tmp_path / beside).write_text(content)
    (tmp_path / folder).mkdir(exist_ok=True)
    path = written(tmp_path / folder, table, name)
    found, _ = rows(path, ["label"])
    assert [row[1] for row in found] == ["good", "bad", None]
    assert open_table(path).notes("label") == [f"the ids in label have names in {beside}, which are used"]
    assert open_table(path).notes("text") == []


@pytest.mark.parametrize(
    "content",
    [
        "no front matter",
        "---\n: [\n---\n",
        "---\ndataset_info: 3\n---\n",
        "---\nx: 1\n",
        "---\ndataset_info:\n  features:\n  - dtype:\n      class_label: 3\n",
    ],
)
def test_a_page_that_describes_no_classes_changes_nothing(tmp_path, content):
    (tmp_path / "README.md").write_text(content)
    (tmp_path / "dataset_info.json").write_text("[1]")
    found, _ = rows(written(tmp_path, "text,label\na,1\n"), ["label"])
    assert [row[1] for row in found] == ["1"]


def test_long_documents_are_no_error(tmp_path):
    path = written(tmp_path, "text,label\n" + "x" * 400_000 + ",a\n")
    found, rejected = rows(path, ["text"])
    assert len(found[0][1]) == 400_000
    assert not rejected


def test_a_batch_holds_columns_and_lines():
    made = batch([pa.array(["a", "b"])], [3, 9])
    assert made.to_pydict() == {"0": ["a", "b"], "1": [3, 9]}
