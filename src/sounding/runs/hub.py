"""Weights out of the network: fetched once, when a person asks for them by `hub:NAME`, and kept in the user's cache.

    hub:mobilenet_v2   torchvision's MobileNetV2, ImageNet-1k
    hub:OWNER/REPO     a repository of the Hugging Face hub, by huggingface_hub (the extra `hub`): a Transformer, its
                       config and tokenizer, or model.safetensors of another network

Nothing else in the package opens a connection.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch

from sounding.architectures.checkpoints import is_checkpoint
from sounding.errors import DataError, UsageError, did_you_mean
from sounding.files import sha256, unwritable
from sounding.machine.setting import cache_folder

PREFIX = "hub:"

KNOWN = {"mobilenet_v2": ("https://download.pytorch.org/models/mobilenet_v2-b0353104.pth", "b0353104")}
"""Name → address of the file, and how its SHA-256 begins."""

WEIGHTS = "model.safetensors"
FILES = (
    *(WEIGHTS, "model.safetensors.index.json", "model-*-of-*.safetensors"),
    *(
        "config.json",
        "generation_config.json",
        "preprocessor_config.json",
        "tokenizer*.json",
        "special_tokens_map.json",
        "*vocab.json",
        "*.spm",
    ),
)
"""What is fetched of a repository: no pickle, and no second copy of the weights in another format."""


def fetched(name: str) -> Path:
    """The file, or folder of a Transformer, that `name` (with or without "hub:") stands for; downloaded unless it is in
    the cache already.

    Raises UsageError for an unknown name and where huggingface_hub is needed and missing, DataError for a file that
    cannot be had or is not the one that was meant.
    """
    name = name.removeprefix(PREFIX)
    if name in KNOWN:
        return _known(*KNOWN[name])
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name, re.ASCII) and ".." not in name:
        return _of_repository(name)
    what = f"no weights {PREFIX}{name}"
    raise UsageError(what, fix=f"{did_you_mean(name, KNOWN)} Or give {PREFIX}OWNER/REPO of the Hugging Face hub")


def _known(url: str, digest: str) -> Path:
    path = cache_folder() / "weights" / url.rpartition("/")[2]
    if path.exists() and sha256(path).startswith(digest):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None
    try:
        torch.hub.download_url_to_file(url, str(path), hash_prefix=digest, progress=False)
    except RuntimeError:  # the hash is another
        fix = "Try again, or name a file that you have: --from FILE"
        what = f"what was downloaded is not the file that was meant (its SHA-256 should begin {digest})"
        raise DataError(what, where=url, fix=fix) from None
    except Exception as error:  # of a connection, all the way down to a TLS library: none is a bug of ours
        raise _missing(error, url, path.name) from None
    return path


def _of_repository(repository: str) -> Path:
    """What is read of a repository, in huggingface_hub's own cache; without a network, what is there already."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        fix = "Install it: pip install 'sounding[hub]'"
        raise UsageError(f"{PREFIX}{repository} needs the package huggingface_hub", fix=fix) from None
    try:
        folder = Path(snapshot_download(repository, allow_patterns=list(FILES)))
    except Exception as error:  # no network, no such repository, no permission
        raise _missing(error, f"{PREFIX}{repository}", WEIGHTS) from None
    if is_checkpoint(folder):
        return folder
    if not (folder / WEIGHTS).exists():
        what = f"the repository holds neither a Transformer (config.json) nor {WEIGHTS}"
        raise DataError(what, where=f"{PREFIX}{repository}", fix="Name one that does")
    return folder / WEIGHTS


def _missing(error: Exception, where: str, file: str) -> DataError:
    lines = str(getattr(error, "reason", None) or error).strip().splitlines()
    why = lines[0].rstrip(". ") if lines else type(error).__name__
    fix = f"Download it elsewhere and name the file: --from {file}"
    return DataError(f"the weights cannot be downloaded ({why})", where=where, fix=fix)
