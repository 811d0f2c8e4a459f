"""Where the files of published weights are that packages of the test extra bring along."""

from pathlib import Path

import pytest

from sounding.errors import UsageError
from sounding.runs.published import installed

MOBILENET_V2, EFFICIENTNET_LITE0 = "mobilenet_v2", "efficientnet_lite0"


def published(network: str) -> Path:
    """The file with the weights of `network`; skips the test where the package is not installed."""
    try:
        return installed(network)
    except UsageError as error:
        pytest.skip(str(error))
