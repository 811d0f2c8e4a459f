"""Weights out of the network: asked for by name, checked, kept; and no connection in these tests."""

from __future__ import annotations

import hashlib
import io
import sys
import urllib.error
import urllib.request
from email.message import Message
from fnmatch import fnmatch

import pytest

import sounding as sd
from sounding.architectures import checkpoints
from sounding.errors import DataError, UsageError
from sounding.runs import hub

REPOSITORY = "timm/mobilenetv2_100.ra_in1k"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Web:
    """A stand-in for the network that keeps what was asked for."""

    def __init__(self, body: bytes = b"weights", error: Exception | None = None) -> None:
        self.body, self.error, self.asked = body, error, []

    def __call__(self, request: urllib.request.Request):
        self.asked.append(request.full_url)
        if self.error:
            raise self.error
        answer = io.BytesIO(self.body)
        headers = Message()
        headers["Content-Length"] = str(len(self.body))
        answer.info = lambda: headers
        return answer


@pytest.fixture
def web(monkeypatch, tmp_path):
    def spun(**how) -> Web:
        monkeypatch.setattr("torch.hub.urlopen", made := Web(**how))
        return made

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    digest = hashlib.sha256(b"weights").hexdigest()[:8]
    monkeypatch.setattr(hub, "KNOWN", {"mobilenet_v2": (hub.KNOWN["mobilenet_v2"][0], digest)})
    return spun


@pytest.fixture
def cached(monkeypatch, tmp_path):
    """huggingface_hub without a network and with one file in its cache."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    folder = tmp_path / f"models--{REPOSITORY.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs/main").write_text(COMMIT)
    file = folder / "snapshots" / COMMIT / "model.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")
    return file


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


@pytest.mark.parametrize("body", [b"another file", b"wei"])
def test_what_is_not_the_file_is_not_kept(web, tmp_path, body):
    web(body=body)
    with pytest.raises(DataError, match="its SHA-256 should begin"):
        hub.fetched("hub:mobilenet_v2")
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (urllib.error.URLError("Name or service not known"), "Name or service not known"),
        (urllib.error.HTTPError("https://x", 404, "Not Found", Message(), None), "Not Found"),
        (TimeoutError("timed out"), "timed out"),
        (ConnectionResetError(), "ConnectionResetError"),
    ],
)
def test_no_network_is_one_clear_error(web, tmp_path, error, said):
    web(error=error)
    with pytest.raises(DataError, match=rf"cannot be downloaded \({said}\)\. Download it elsewhere and name the file"):
        hub.fetched("hub:mobilenet_v2")
    assert left(tmp_path) == []


def test_a_cache_that_cannot_be_written_is_named(web, tmp_path):
    web()
    (tmp_path / "sounding").write_text("a file where a folder should be")
    with pytest.raises(sd.errors.SoundingError, match="sounding"):
        hub.fetched("hub:mobilenet_v2")


def test_a_repository_gives_its_safetensors(web, cached):
    net = web()
    assert hub.fetched(f"hub:{REPOSITORY}").samefile(cached)
    assert not net.asked, "huggingface_hub fetches and keeps it"


def test_a_repository_of_a_transformer_gives_its_folder(cached):
    transformers = pytest.importorskip("transformers")
    folder = cached.parent
    cached.unlink()
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    transformers.BertModel(transformers.BertConfig(vocab_size=12, **sizes)).save_pretrained(folder)
    found = hub.fetched(f"hub:{REPOSITORY}")
    assert found.samefile(folder)
    assert checkpoints.read(found).model().transformer.config.width == 8


def test_a_repository_without_weights_that_are_read_is_named(cached):
    cached.rename(cached.parent / "pytorch_model.bin")
    with pytest.raises(DataError, match=rf"hub:{REPOSITORY}: .*neither a Transformer .* nor model\.safetensors"):
        hub.fetched(f"hub:{REPOSITORY}")


def test_what_is_fetched_is_all_that_a_transformer_is_read_from_and_no_pickle():
    wanted = ["config.json", "model.safetensors", "model-00001-of-00003.safetensors", "model.safetensors.index.json"]
    wanted += ["tokenizer.json", "tokenizer_config.json", "vocab.json", "target_vocab.json", "source.spm", "target.spm"]
    others = ["pytorch_model.bin", "model.fp16.safetensors", "tf_model.h5", "onnx/model.onnx", "README.md"]
    assert [name for name in [*wanted, *others] if any(fnmatch(name, part) for part in hub.FILES)] == wanted


def test_a_repository_that_cannot_be_had_is_one_clear_error(web, cached):
    web()
    said = r"hub:owner/other: the weights cannot be downloaded \(.+\)\. Download it elsewhere and name the file"
    with pytest.raises(DataError, match=said):
        hub.fetched("hub:owner/other")


def test_without_huggingface_hub_the_extra_is_named(web, monkeypatch):
    net = web()
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(
        UsageError, match=r"needs the package huggingface_hub\. Install it: pip install 'sounding\[hub\]'"
    ):
        hub.fetched(f"hub:{REPOSITORY}")
    assert not net.asked


@pytest.mark.parametrize("name", ["mobilnet_v2", "a/b/c", "../etc", "a/..", "http://x/y", ""])
def test_other_names_are_not_asked_for(web, name):
    net = web()
    with pytest.raises(UsageError, match=rf"no weights hub:{name}\."):
        hub.fetched(f"hub:{name}")
    assert not net.asked


@pytest.mark.parametrize("start", ["mobilenet", "timm/mobilenetv2_100.ra_in1k"])
def test_nothing_is_asked_for_unless_hub_is_written(web, tmp_path, start):
    net = web()
    with pytest.raises(sd.errors.SoundingError):
        sd.train("classify", "demo", start=start, out=tmp_path / "run", steps=1, card=None)
    assert not net.asked


def test_a_training_asks_the_hub_by_name(web, tmp_path):
    net = web()
    with pytest.raises(DataError, match=r"the file is damaged"):  # these seven bytes are
        sd.train("classify", "demo", start="hub:mobilenet_v2", out=tmp_path / "run", steps=1, card=None)
    assert len(net.asked) == 1
