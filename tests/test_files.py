import csv
import errno
import io
import os
import pickle

import pytest
import torch

from sounding.errors import RunError
from sounding.files import csv_text, read_json, read_tensors, write, write_json, write_tensors


def test_tensors_and_their_note_come_back_together(tmp_path):
    kept = {"a.weight": torch.randn(3, 4), "b": torch.tensor(7)}
    write_tensors(tmp_path / "x.safetensors", kept, {"step": 12, "lowest": 0.1 + 0.2})
    tensors, note = read_tensors(tmp_path / "x.safetensors")
    assert all(torch.equal(tensors[name], kept[name]) for name in kept)
    assert note == {"step": 12, "lowest": 0.1 + 0.2}


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "no permission")])
def test_a_write_that_fails_costs_nothing(tmp_path, monkeypatch, number, words):
    path = tmp_path / "model.safetensors"
    write_tensors(path, {"w": torch.ones(2)})

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RunError, match=words):
        write_tensors(path, {"w": torch.zeros(2)})
    assert torch.equal(read_tensors(path)[0]["w"], torch.ones(2))
    assert os.listdir(tmp_path) == ["model.safetensors"], "a temporary file was left behind"


def test_a_truncated_file_is_said_to_be_damaged(tmp_path):
    path = tmp_path / "model.safetensors"
    write_tensors(path, {"w": torch.ones(1000)})
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(RunError, match="damaged"):
        read_tensors(path)
    path.write_bytes(b"")
    with pytest.raises(RunError, match="damaged"):
        read_tensors(path)


class Bomb:
    def __reduce__(self):
        return os.mkdir, (os.environ["BOMB"],)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_pickle_is_refused_and_never_run(tmp_path, monkeypatch, zipped):
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    path = tmp_path / "model.safetensors"
    torch.save(Bomb(), path) if zipped else path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(RunError, match="pickle"):
        read_tensors(path)
    assert not (tmp_path / "exploded").exists()


def test_a_header_whose_length_looks_like_a_pickle_is_read(tmp_path):
    path = tmp_path / "model.safetensors"
    for filler in range(3000):  # some header is 0x0380 bytes long
        write_tensors(path, {"w": torch.ones(1)}, {"filler": "x" * filler})
        if path.read_bytes()[:2] == b"\x80\x03":
            assert read_tensors(path)[1]["filler"] == "x" * filler
            return
    raise AssertionError("no header had that length")


def test_damaged_json_names_the_file(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1})
    assert read_json(tmp_path / "a.json") == {"x": 1}
    write(tmp_path / "a.json", '{"x": ')
    with pytest.raises(RunError, match=r"a\.json: the file is damaged"):
        read_json(tmp_path / "a.json")


def test_rows_as_csv_come_back_with_lists_as_json():
    rows = [{"a": 1, "b": 'say "é", twice\n'}, {"a": [1, {"x": None}], "b": ""}]
    text = csv_text(rows, ["a", "b"])
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == [
        *({"a": "1", "b": 'say "é", twice\n'}, {"a": '[1, {"x": null}]', "b": ""}),
    ]
    assert csv_text([], ["a", "b"]) == "a,b\n"


def test_tied_tensors_are_written_once_and_come_back_under_both_names(tmp_path):
    weight = torch.arange(1000.0).reshape(10, 100)
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"first": weight, "second": weight, "other": weight.clone(), "turned": weight.T}, {"a": 1})
    tensors, note = read_tensors(path)
    assert note == {"a": 1}
    assert set(tensors) == {"first", "second", "other", "turned"}
    assert tensors["second"] is tensors["first"]
    assert torch.equal(tensors["turned"], weight.T)
    assert path.stat().st_size < 3 * 4000 + 1000
