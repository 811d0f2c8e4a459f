"""What is not answered: a status, one clear message, and what to do, in the form that OpenAI's clients show."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi.responses import JSONResponse

from sounding.errors import DataError, RunError, SoundingError, TrainingError, UsageError

LATE = 504
"""The status of an answer that was not there in time."""
RETRY_AFTER = 1
"""Seconds after which a client that was refused for want of room should ask again."""


class Refusal(Exception):
    """A request that is not answered, with the `status` that says why."""

    def __init__(self, status: int, what: str, fix: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{what}. {fix}" if fix else what)
        self.status, self.headers = status, dict(headers or {})

    def response(self) -> JSONResponse:
        """The answer that says so."""
        kind = HTTPStatus(self.status).phrase.lower().replace(" ", "_")
        error = {"message": str(self), "type": kind, "code": self.status}
        return JSONResponse({"error": error}, self.status, self.headers)


def of_error(error: Refusal | SoundingError | MemoryError) -> Refusal:
    """The refusal that an error means: what was asked is off, or the run cannot answer."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, MemoryError):
        return busy("there is not enough memory for this", "Ask for less at a time")
    if isinstance(error, UsageError | DataError):
        return Refusal(400, str(error))
    if isinstance(error, TrainingError):
        return Refusal(422, str(error))
    if isinstance(error, RunError):
        return busy(str(error))
    return Refusal(400, str(error))


def busy(what: str, fix: str = "") -> Refusal:
    """That there is no room now, or that the run cannot be read: it can be asked again."""
    return Refusal(503, what, fix, {"Retry-After": str(RETRY_AFTER)})
