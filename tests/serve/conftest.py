"""One service of every application, for all tests that change nothing of it."""

from __future__ import annotations

import pytest
from served import save, serving, untrained

from sounding import catalog


@pytest.fixture(scope="session")
def models():
    """An untrained model of every application with rows of its demonstration, by name."""
    return {name: untrained(name) for name in catalog.names()}


@pytest.fixture(scope="session")
def local(models, tmp_path_factory):
    """They, served."""
    top = tmp_path_factory.mktemp("runs")
    with serving(*(save(model, top / name / "1") for name, (model, _) in models.items())) as found:
        yield found
