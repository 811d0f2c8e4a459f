"""How functions are compiled: by numba, into a cache on disk, so that each machine waits for it once.

Numba is the extra `games`. A module whose functions are compiled imports `compiled` from here, which raises UsageError
where numba is missing; `sounding.games.game` itself needs none.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sounding.errors import UsageError

try:
    import numba
except ImportError:
    what = "the rules and the search of games are compiled by the package numba, which is missing"
    raise UsageError(what, fix="Install it: pip install 'sounding[games]'") from None

Function = TypeVar("Function", bound=Callable[..., Any])
PACKAGE = Path(__file__).parents[1]


def compiled(function: Function) -> Function:
    """The function, compiled on its first call for each type of its arguments, without Python's lock.

    Arrays have to be contiguous: another layout is another type, and is compiled once more. Where no cache can be
    written (no home) the function is compiled anew in each process.
    """
    return _compiled(function)


def lean(function: Function) -> Function:
    """The same for a function that makes no array, nor a view of one: who holds an array is not counted in it.

    Counting takes most of the time of a function that is called millions of times and does little: a lock of the
    processor for each array that is named.
    """
    return _compiled(function, _nrt=False)


def _compiled(function: Function, **settings: Any) -> Function:
    settings |= {"nogil": True, "error_model": "numpy"}
    try:
        made = numba.njit(cache=True, **settings)(function)
    except RuntimeError:  # numba finds no place for its cache
        return numba.njit(**settings)(function)
    with contextlib.suppress(AttributeError):  # a private place, which another version of numba may lack
        made._cache._cache_file._source_stamp = _sources(function)
    return made


@contextlib.contextmanager
def announced(say: Callable[[str], None], after: float = 2.0) -> Iterator[None]:
    """Do what may be the first call of compiled functions, and say so if it takes longer than so many seconds."""
    what = "compiling the rules and the search: once on this machine, up to a minute"
    waiting = threading.Timer(after, say, [what])
    waiting.daemon = True
    waiting.start()
    try:
        yield
    finally:
        waiting.cancel()


def _sources(function: Callable[..., Any]) -> str:
    """A hash of all sources that may have been compiled into a function.

    Numba looks at the function's own file alone, and would go on with an old copy of what that calls in other files.
    """
    room = Path(function.__code__.co_filename).relative_to(PACKAGE).parts[0]
    return _hashed(PACKAGE / "games") + _hashed(PACKAGE / room)


@functools.cache
def _hashed(folder: Path) -> str:
    sources = [path.read_bytes() for path in sorted(folder.rglob("*.py"))]
    return hashlib.sha256(b"".join(source for source in sources if b"compiled" in source)).hexdigest()
