"""Two runs and their exported models, made once for the tests of what is exported."""

from __future__ import annotations

import jaxtyping
import pytest

import sounding as sd

TRAINED = {"steps": 8, "size": "tiny", "card": None}


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    return sd.train("classify", "demo", out=tmp_path_factory.mktemp("pictures"), **TRAINED)


@pytest.fixture(scope="session")
def texts(tmp_path_factory):
    return sd.train("sentiment", "demo", out=tmp_path_factory.mktemp("texts"), **TRAINED)


@pytest.fixture(scope="session")
def exported_pictures(pictures):
    return sd.export(pictures, "onnx", card=None)


@pytest.fixture(scope="session")
def exported_texts(texts):
    jaxtyping.config.update("jaxtyping_disable", True)  # lengths are tensors where the older exporter follows them
    try:
        return sd.export(texts, "onnx", card=None)
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
