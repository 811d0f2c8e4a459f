"""Every error that a person can mend. Each says where, what was found, and what to do.

    SoundingError
    ├── UsageError      the words of the call: an unknown task, option or key       exit status 2
    ├── DataError       the user's files: a missing path, a bad cell, an unusable set            1
    ├── RunError        a run folder that cannot be read or written                              1
    │   └── NotWrittenError  a file that cannot be written: a full disk, a missing permission
    └── TrainingError   training that cannot go on                                               1
        └── NotFiniteError  a model that gives no numbers

The command line prints one of these as a single message; anything else that escapes is a bug and shows its traceback.
What they name may be a file whose name is not UTF-8: `shown` writes its odd bytes so that they can be printed.
"""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Iterable, Mapping

ESCAPED = "sounding.escaped"
"""How text is encoded that may hold file names which are not UTF-8: their odd bytes as `\\xe4`."""


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    codes = map(ord, error.object[error.start : error.end])
    return "".join(f"\\x{c - 0xDC00:02x}" if 0xDC80 <= c <= 0xDCFF else f"\\u{c:04x}" for c in codes), error.end


codecs.register_error(ESCAPED, _escaped)


def shown(name: str) -> str:
    """A file name as people are shown it: bytes that are not UTF-8, as old archives leave them, become `\\xe4`."""
    return name if name.isascii() else name.encode("utf-8", ESCAPED).decode()


class SoundingError(Exception):
    """Something that the user can mend: `where` it is, `what` was found, and the `fix`.

    `or_remove`: a row of data can be removed instead, which the fix then says.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "", or_remove: bool = False) -> None:
        self.what, self.where, self.fix = what, where, f"{fix}, or remove this row" if or_remove else fix
        self._mending, self._or_remove = fix, or_remove
        super().__init__(str(self))

    def __str__(self) -> str:
        found = f"{self.where}: {self.what}" if self.where else self.what
        return shown(f"{found}. {self.fix}" if self.fix else found)

    def at(self, where: str) -> SoundingError:
        """The same error, said to be at `where` (file:line), for callers that know the place."""
        return type(self)(self.what, where=where, fix=self._mending, or_remove=self._or_remove)

    def alone(self) -> SoundingError:
        """The same error, of an input that is no row of the user's data."""
        return type(self)(self.what, where=self.where, fix=self._mending)


class UsageError(SoundingError):
    """The words of the call are off."""

    exit_code = 2


class DataError(SoundingError):
    """The user's files cannot be used as they are."""


class RunError(SoundingError):
    """A run folder cannot be read or written."""


class NotWrittenError(RunError):
    """A file cannot be written."""


class TrainingError(SoundingError):
    """Training cannot go on."""


class NotFiniteError(TrainingError):
    """What a model gives is not finite."""


def require_one(given: Mapping[str, object]) -> None:
    """Raise UsageError where more than one of the words was given of which each makes the others void.

    `given` are the words by how a person writes them, and whether they were given.
    """
    named = [word for word, is_given in given.items() if is_given]
    if len(named) > 1:
        said = " and ".join([", ".join(named[:-1]), named[-1]])
        raise UsageError(f"{said} cannot be given together", fix="Give one of them")


def did_you_mean(word: str, known: Iterable[str], meant: Iterable[str] = ()) -> str:
    """`Did you mean x?` for a near miss, else the list of what there is.

    What else can be `meant`, but does not belong in the list, is looked through as well.
    """
    known = sorted(known)
    near = difflib.get_close_matches(word, [*known, *sorted(meant)], n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}"
