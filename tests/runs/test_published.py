"""Published weights out of installed packages: by name, without a connection, and the very file that was published."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest
import torch
from photo_folders import pictures

import sounding as sd
from sounding.architectures.mobilenet import NETWORKS
from sounding.errors import DataError, UsageError
from sounding.runs import published
from sounding.runs.published import PACKAGES, installed
from sounding.runs.transfer import located, opened

SMALL = {"steps": 1, "card": None, "precision": "fp32", "batch": 4}


@pytest.fixture
def package(monkeypatch, tmp_path):
    """A package with a file of weights of some bytes in place of the one that is known."""

    class File(PurePosixPath):
        def locate(self):
            return tmp_path / self.name

    def holding(name: str, content: bytes | None) -> Path:
        path = tmp_path / PACKAGES[name].file
        if content is not None:
            path.write_bytes(content)
        monkeypatch.setattr(published.metadata, "files", lambda _: [File(f"there/{path.name}")])
        return path

    return holding


@pytest.mark.parametrize("name", [name for name in PACKAGES if name in NETWORKS])
def test_a_network_that_is_named_begins_with_the_published_weights(name, tmp_path):
    try:
        installed(name)
    except UsageError as error:
        pytest.skip(str(error))
    photos = pictures(tmp_path / "photos", 12)
    model = sd.train("classify", photos, start=name, out=tmp_path / "run", **SMALL)
    config = model.run.config
    assert config["recipe"]["network"] == name
    assert config["training"]["start"] == name
    assert config["transfer"]["left_random"] == ["1.head.weight", "1.head.bias"]
    stem = opened(name).weights["stem.0.weight"]
    theirs = torch.load(installed(name), weights_only=True)
    assert any(tensor.shape == stem.shape and torch.equal(tensor, stem) for tensor in theirs.values())


@pytest.mark.parametrize("name", PACKAGES)
def test_without_the_package_the_words_that_install_it_are_told(name, monkeypatch):
    def missing(_: str) -> None:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(published.metadata, "files", missing)
    with pytest.raises(UsageError, match=f"{name} is not installed") as refused:
        opened(name)
    assert f"Install it: {PACKAGES[name].install}" in str(refused.value)


@pytest.mark.parametrize("content", [None, b"something else"])
def test_another_file_than_was_published_is_not_read(package, content):
    package("mobilenet_v2", content)
    with pytest.raises(DataError, match="does not hold the weights that were published"):
        installed("mobilenet_v2")


def test_what_lies_here_under_that_name_is_meant_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert located("mobilenet_v2") == "mobilenet_v2"
    (tmp_path / "mobilenet_v2").mkdir()
    assert located("mobilenet_v2") == str(tmp_path / "mobilenet_v2")
    assert located("") == ""
    assert located("hub:mobilenet_v2") == "hub:mobilenet_v2"


def test_a_named_transformer_comes_with_its_tokenizer():
    try:
        installed("all-MiniLM-L6-v2")
    except UsageError as error:
        pytest.skip(str(error))
    start = opened("all-MiniLM-L6-v2")
    assert start.weights["transformer.embeddings.tokens.weight"].shape == (30522, 384)
    assert start.input["tokenizer"]["kind"] == "pretrained"
    assert start.shaping["context"] == 512
