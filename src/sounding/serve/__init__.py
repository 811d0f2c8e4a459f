"""The door for programs and browsers: runs behind HTTP.

    settings.py    what a service is told: where it listens, who may ask, how much of everything is taken
    refusals.py    what is not answered, as a status and one clear message
    limits.py      a body, pictures, sounds and JSON, each looked at before it costs anything
    posted.py      requests to what was asked: JSON, forms, or the bytes of one file
    inputs.py      what was sent, as cells that `Model.read` takes; none of them can name a file
    models.py      runs, loaded when they are first asked for, and given back where memory is short
    engines.py     what the package plays by itself, without a run
    queue.py       one computation at a time: what waits is answered in batches, what takes long step by step
    service.py     the three together: a question in, an answer out
    answers.py     results as JSON and as drawings
    events.py      answers in pieces, as events that a server sends
    predicting.py  playing.py  acting.py  openai.py  describing.py      the addresses
    metrics.py     counts for Prometheus
    security.py    who may ask: a token; no other page of a browser
    gate.py        around every address: who may ask, how errors leave, what is counted
    app.py         the application; running.py listens, and stops gracefully
    connection.py  HTTP as it comes: what is too long, too much or too slow is not read
    watching/      a training that is watched: the same page, live

Nothing knows a task: inputs, answers, drawings and disturbances are those of the contract. Nothing of a request is
written to disk, and no path in a request is ever opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sounding.errors import UsageError

PACKAGES = ("fastapi", "uvicorn", "httptools", "starlette", "anyio", "multipart", "python_multipart")
"""What a service is made with, which the extra `serve` brings."""


@contextmanager
def refusing_without_packages(what: str) -> Iterator[None]:
    """Around imports: raises UsageError, naming the extra, where a package is missing that `what` is made with."""
    try:
        yield
    except ImportError as error:
        if error.name not in PACKAGES:
            raise
        found = f"{what} is made with the package {error.name}, which is missing"
        raise UsageError(found, fix="Install it: pip install 'sounding[serve]'") from None
