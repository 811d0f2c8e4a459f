"""Two runs and their exported models, made once for the tests of what is exported."""

from __future__ import annotations

import contextlib

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


@contextlib.contextmanager
def _untyped():
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def untyped():
    """A context in which nothing is typed: lengths are no numbers where an exporter follows them."""
    return _untyped


@pytest.fixture(scope="session")
def exported_texts(texts, untyped):
    with untyped():
        return sd.export(texts, "onnx", card=None)
