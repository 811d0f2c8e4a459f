"""Weights out of the network: asked for by name, checked, kept; and no connection in these tests."""

from __future__ import annotations

import hashlib
import io
import urllib.error
import urllib.request
from email.message import Message

import pytest

import sounding as sd
from sounding.runs import hub
from sounding.errors import DataError, UsageError


class Web:
    """A stand-in for the network that keeps what was asked for."""

    def __init__(self, body: bytes = b"weights", length: int | None = None, error: Exception | None = None) -> None:
        self.body, self.error, self.asked = body, error, []
        self.length = len(body) if length is None else length

    def __call__(self, url: str, timeout: float):
        self.asked.append(url)
        if self.error:
            raise self.error
        answer = io.BytesIO(self.body)
        answer.headers = Message()
        answer.headers["Content-Length"] = str(self.length)
        return answer


@pytest.fixture
def web(monkeypatch, tmp_path):
    def spun(**how) -> Web:
        monkeypatch.setattr(urllib.request, "urlopen", made := Web(**how))
        return made

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    digest = hashlib.sha256(b"weights").hexdigest()[:8]
    monkeypatch.setattr(hub, "KNOWN", {"mobilenet_v2": (hub.KNOWN["mobilenet_v2"][0], digest)})
    return spun


def left(tmp_path) -> list[str]:
    return [path.name for path in tmp_path.rglob("*") if path.is_file()]


def test_a_known_name_is_fetched_once(web, tmp_path):
    net = web()
    first, second = hub.fetched("hub:mobilenet_v2"), hub.fetched("hub:mobilenet_v2")
    assert first == second == tmp_path / "sounding" / "weights" / "mobilenet_v2-b0353104.pth"
    assert first.read_bytes() == b"weights"
    assert net.asked == ["https://download.pytorch.org/models/mobilenet_v2-b0353104.pth"]
    assert left(tmp_path) == [first.name]


def test_a_file_that_changed_in_the_cache_is_fetched_again(web):
    net = web()
    hub.fetched("hub:mobilenet_v2").write_bytes(b"something else")
    assert hub.fetched("hub:mobilenet_v2").read_bytes() == b"weights"
    assert len(net.asked) == 2


def test_a_repository_gives_its_safetensors(web):
    net = web()
    path = hub.fetched("hub:timm/mobilenetv2_100.ra_in1k")
    assert net.asked == ["https://huggingface.co/timm/mobilenetv2_100.ra_in1k/resolve/main/model.safetensors"]
    assert path.name == "timm--mobilenetv2_100.ra_in1k--model.safetensors"


@pytest.mark.parametrize("how", [{"body": b"another file"}, {"body": b"wei", "length": 7}])
def test_what_is_not_the_file_is_not_kept(web, tmp_path, how):
    web(**how)
    with pytest.raises(DataError, match=r"its SHA-256 should begin|broke off after 3 of 7 bytes"):
        hub.fetched("hub:mobilenet_v2")
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (urllib.error.URLError("Name or service not known"), "Name or service not known"),
        (urllib.error.HTTPError("https://x", 404, "Not Found", Message(), None), "Not Found"),
        (TimeoutError("timed out"), "timed out"),
    ],
)
def test_no_network_is_one_clear_error(web, tmp_path, error, said):
    web(error=error)
    with pytest.raises(DataError, match=rf"cannot be downloaded \({said}\)\. Download it elsewhere and name the file"):
        hub.fetched("hub:mobilenet_v2")
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", ["mobilnet_v2", "a/b/c", "../etc", "a/..", "http://x/y", ""])
def test_other_names_are_not_asked_for(web, name):
    net = web()
    with pytest.raises(UsageError, match=rf"no weights hub:{name}\."):
        hub.fetched(f"hub:{name}")
    assert not net.asked


def test_nothing_is_asked_for_unless_hub_is_written(web, tmp_path):
    net = web()
    with pytest.raises(sd.errors.SoundingError):
        sd.train("classify", "demo", start="mobilenet_v2", out=tmp_path / "run", steps=1, card=None)
    assert not net.asked


def test_a_training_asks_the_hub_by_name(web, tmp_path):
    net = web()
    with pytest.raises(DataError, match=r"the file is damaged"):  # these seven bytes are
        sd.train("classify", "demo", start="hub:mobilenet_v2", out=tmp_path / "run", steps=1, card=None)
    assert len(net.asked) == 1
