"""Files: written so that a kill, a full disk or a missing permission never costs what was there before.

safetensors is imported inside the functions, because it brings torch, and who reads a picture may have none.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sounding.errors import ESCAPED, DataError, NotWrittenError, RunError, shown

if TYPE_CHECKING:
    from torch import Tensor

_FIX = {
    errno.ENOSPC: ("the disk is full", "What was there before is intact; free some space, and do the same again"),
    errno.EDQUOT: (
        "the disk quota is used up",
        "What was there before is intact; free some space, and do the same again",
    ),
    errno.EACCES: ("no permission to write here", "Change the permissions of the folder (chmod u+w)"),
    errno.EROFS: ("this file system is read-only", "Write to another one"),
    errno.ENAMETOOLONG: ("the name is too long for this file system", "Give it a shorter name"),
}

_PICKLES = (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How pickles begin: PyTorch's zip archives, and protocols 2 to 5."""


def json_text(value: Any, **options: Any) -> str:
    """`value` as JSON that can be written as UTF-8; a file name that is not comes back as it was when it is read."""
    text = json.dumps(value, ensure_ascii=False, **options)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def write(path: Path, data: bytes | str) -> None:
    """Replace `path` in one step: a reader sees the old content or the new, never a part.

    Raises RunError when the disk is full or writing is not permitted; the old content stays.
    """
    data = data.encode("utf-8", ESCAPED) if isinstance(data, str) else data
    temporary = beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        discard(temporary)
        raise unwritable(path, error) from None


def beside(path: Path) -> Path:
    """A hidden name in the same folder, under which a file is written before it takes the place of `path`.

    It is short, however long the name of `path` is, for a file system may hold no longer one.
    """
    digest = blake2b(path.name.encode(errors="surrogateescape"), digest_size=8).hexdigest()
    return path.with_name(f".{digest}.{os.getpid()}")


def discard(path: Path) -> None:
    """Remove a file that was written in vain, if it is there."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def shortened_name(stem: str, most: int = 200) -> str:
    """A name of at most so many bytes, which leaves room for a number and an ending in the 255 of most file systems."""
    return os.fsdecode(os.fsencode(stem)[:most]) if len(os.fsencode(stem)) > most else stem


def unwritable(path: Path, error: OSError, otherwise: str = "") -> NotWrittenError:
    """What a person can do about an OSError met while writing `path`; `otherwise` is what else the caller knows."""
    what, fix = _FIX.get(error.errno or 0, (f"cannot be written ({error.strerror})", "Write to another place"))
    return NotWrittenError(what, where=str(path), fix=f"{fix}, or {otherwise}" if otherwise else fix)


def unreadable(where: str, error: Exception) -> DataError:
    """What a person can do about an error met while reading the file `where`."""
    if isinstance(error, PermissionError):
        return DataError("no permission to read it", where=where, fix="Change its permissions (chmod u+r) or its owner")
    if isinstance(error, FileNotFoundError):
        return DataError("the file is not there any more", where=where, fix="Put it back and start again")
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return DataError(f"the file is damaged or cut short ({reason})", where=where, fix="Copy or download it again")


def require_content(source: Path | bytes, name: str, noun: str, fix: str) -> None:
    """Raise DataError unless `source` is a file, or the bytes of one, that holds something: a `noun`.

    `fix` says what to give in place of a folder.
    """
    if isinstance(source, bytes):
        empty = not source
    elif os.path.isdir(source):
        raise DataError(f"{name} is a folder, not a {noun}", fix=fix)
    elif not os.path.isfile(source):
        raise DataError(f"there is no file {source}", fix="Correct the path", or_remove=True)
    else:
        empty = source.stat().st_size == 0
    if empty:
        raise DataError(f"{name} is empty", fix="Replace the file", or_remove=True)


def sha256(path: Path) -> str:
    """The digest of what a file holds, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, value: Any) -> None:
    """`write` for JSON, indented for people."""
    write(path, json_text(value, indent=1, default=str) + "\n")


def csv_text(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as CSV with a header, as a spreadsheet reads it; lists and dictionaries become JSON."""
    text = io.StringIO(newline="")
    write_csv(text, rows, columns)
    return text.getvalue()


def write_csv(file: IO[str], rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> int:
    """`csv_text` into an open file, row by row; how many there were."""
    table = csv.DictWriter(file, fieldnames=columns, lineterminator="\n")
    table.writeheader()
    count = 0
    for row in rows:
        table.writerow({name: _csv_cell(value) for name, value in row.items()})
        count += 1
    return count


def _csv_cell(value: Any) -> Any:
    is_structure = isinstance(value, list | tuple | dict)
    return shown(json.dumps(value, ensure_ascii=False, default=str)) if is_structure else value


def read_json(path: Path) -> Any:
    """The JSON in `path`. Raises RunError when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(
            "the file is missing", where=str(path), fix="Is this a run folder that sounding train made?"
        ) from None
    except (ValueError, OSError) as error:
        raise RunError(
            f"the file is damaged ({error})", where=str(path), fix="Take it from a copy, or train again"
        ) from None


def write_tensors(path: Path, tensors: Mapping[str, Tensor], note: Mapping[str, Any] | None = None) -> None:
    """Tensors, and a JSON note beside them, as one safetensors file: both are replaced together or not at all.

    Of tensors that are one in memory (tied weights) the first is kept, and under which names it comes back.
    """
    from safetensors.torch import save

    tied = _tied(tensors)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items() if name not in tied}
    write(path, save(plain, {"note": json.dumps(note or {}), "tied": json.dumps(tied)}))


def _tied(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """The names of tensors that are another one, with the name of that."""
    first: dict[tuple[Any, ...], str] = {}
    found = {}
    for name, tensor in tensors.items():
        place = (tensor.device, tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride())
        if tensor.numel() and first.setdefault(place, name) != name:
            found[name] = first[place]
    return found


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `write_tensors` wrote. Raises RunError for a missing, damaged or foreign file; a pickle is never opened."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise RunError("the weights are missing", where=str(path), fix="Train again, or go on with --resume") from None
    except OSError as error:
        raise RunError(f"cannot be read ({error.strerror})", where=str(path)) from None
    # A safetensors file begins with the length of its JSON header, which may look like the first bytes of a pickle.
    if data[:2] in _PICKLES and data[8:9] != b"{":
        what = "this is a pickle, not a safetensors file, and a pickle can run any code when it is opened"
        raise RunError(what, where=str(path), fix="Convert it to safetensors where you trust its origin")
    try:
        tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (SafetensorError, ValueError, KeyError) as error:
        what = f"the weights file is damaged ({error})"
        raise RunError(
            what, where=str(path), fix="Take it from a copy, go on from the other checkpoint, or train again"
        ) from None
    notes = header.get("__metadata__", {})
    tied = json.loads(notes.get("tied", "{}"))
    return tensors | {name: tensors[other] for name, other in tied.items()}, json.loads(notes.get("note", "{}"))


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
