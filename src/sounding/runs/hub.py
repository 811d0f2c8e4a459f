"""Weights out of the network: fetched once, when a person asks for them by `hub:NAME`, and kept in the user's cache.

    hub:mobilenet_v2   torchvision's MobileNetV2, ImageNet-1k
    hub:OWNER/REPO     model.safetensors of a repository of the Hugging Face hub

Nothing else in the package opens a connection.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import urllib.request
from pathlib import Path
from typing import BinaryIO

from sounding.files import unwritable
from sounding.machine.setting import cache_folder
from sounding.errors import DataError, UsageError, did_you_mean

PREFIX = "hub:"

KNOWN = {"mobilenet_v2": ("https://download.pytorch.org/models/mobilenet_v2-b0353104.pth", "b0353104")}
"""Name → address of the file, and how its SHA-256 begins."""

TIMEOUT = 30.0
"""Seconds of silence after which a connection is given up."""

_CHUNK = 2**20


def fetched(name: str) -> Path:
    """The file that `name` (with or without "hub:") stands for, downloaded unless it is in the cache already.

    Raises UsageError for an unknown name, DataError for a file that cannot be had or is not the one that was meant.
    """
    url, digest = _address(name.removeprefix(PREFIX))
    path = cache_folder() / "weights" / _file(url)
    if path.exists() and _digest(path).startswith(digest):
        return path
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            _download(url, file, path)
        if not _digest(temporary).startswith(digest):
            fix = "Try again, or name a file that you have: --from FILE"
            raise DataError(f"what was downloaded is not the file that was meant (its SHA-256 should begin {digest})",
                            where=url, fix=fix)  # fmt: skip
        os.replace(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _address(name: str) -> tuple[str, str]:
    if name in KNOWN:
        return KNOWN[name]
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name, re.ASCII) and ".." not in name:
        return f"https://huggingface.co/{name}/resolve/main/model.safetensors", ""
    what = f"no weights {PREFIX}{name}"
    raise UsageError(what, fix=f"{did_you_mean(name, KNOWN)} Or give {PREFIX}OWNER/REPO of the Hugging Face hub")


def _file(url: str) -> str:
    """The name in the cache: that of the file, with the repository's where it is one of many of that name."""
    parts = url.split("/")
    return "--".join((*parts[3:5], parts[-1])) if "huggingface.co" in url else parts[-1]


def _download(url: str, file: BinaryIO, path: Path) -> None:
    """The bytes at `url` into `file`. Raises DataError when they do not come, or not all of them."""
    fix = f"Download it elsewhere and name the file: --from {path.name}"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            expected, got = answer.headers.get("Content-Length"), 0
            while chunk := answer.read(_CHUNK):
                got += file.write(chunk)
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        why = getattr(error, "reason", None) or error
        raise DataError(f"the weights cannot be downloaded ({why})", where=url, fix=fix) from None
    if expected is not None and got != int(expected):
        raise DataError(f"the download broke off after {got:,} of {int(expected):,} bytes", where=url, fix="Try again")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
