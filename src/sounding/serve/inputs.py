"""What was sent, as cells that `Model.read` takes. None of them can name a file.

A string is a value where people type such inputs (`Modality.written`), and base64 of a file where they do not; no plain
string ever reaches a modality, so no path is ever opened.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from sounding.contract.inputs import Assembled, Queried, TableCells
from sounding.contract.modality import Modality, Typed, kind_name
from sounding.serve.limits import require_file, require_length
from sounding.serve.refusals import Refusal
from sounding.serve.settings import Limits

TABLE = "the table"
"""How errors call a table that was sent."""


def cells(modality: Modality, sent: Sequence[Any], limits: Limits) -> list[Any]:
    """The cells in what was sent: one for each question. Raises Refusal or DataError for what is no input."""
    if not sent:
        raise Refusal(400, f"there is no {kind_name(modality)} to answer about", 'Send "inputs", or a file')
    if isinstance(modality, Assembled):
        return [value for table in _tables(sent) for value in _assembled(modality, table, limits)]
    found = [_cell(modality, each, limits) for each in sent]
    return modality.questions(found) if isinstance(modality, Queried) else found


def _cell(modality: Modality, sent: Any, limits: Limits) -> Any:
    """What was sent with every string made a typed text or the bytes of a file."""
    if isinstance(sent, Mapping):
        return {key: _cell(modality, value, limits) for key, value in sent.items()}
    if isinstance(sent, list):
        return sent if _numeric(sent) else [_cell(modality, value, limits) for value in sent]
    if isinstance(sent, bytes):
        return Typed(require_length(_text(sent), limits)) if modality.written else require_file(sent, limits)
    if isinstance(sent, str):
        return Typed(require_length(sent, limits)) if modality.written else require_file(_decoded(sent), limits)
    return sent


def _numeric(sent: list[Any]) -> bool:
    """Whether a list is samples: it may be long."""
    return all(type(value) in (int, float) for value in sent)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(400, f"the file is no text in UTF-8 (byte {error.start:,})", "Save it as UTF-8") from None


def _decoded(text: str) -> bytes:
    """The bytes of base64, which may be a data URL."""
    content = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        what = "a string was sent where a file is expected, and it is not base64"
        raise Refusal(400, what, "Send the file itself, or its bytes in base64; paths are not opened") from None


# ---- tables


def _tables(sent: Sequence[Any]) -> list[Any]:
    """The tables that were sent: rows, one by one, are one of them."""
    rows = all(isinstance(each, Mapping) and not any(isinstance(v, list) for v in each.values()) for each in sent)
    return (
        [{name: [row.get(name) for row in sent] for name in dict.fromkeys(k for row in sent for k in row)}]
        if rows
        else list(sent)
    )


def _assembled(modality: Assembled, sent: Any, limits: Limits) -> list[Any]:
    if isinstance(sent, bytes):
        sent = _text(sent)
    if isinstance(sent, str):
        from sounding.data.tables import Pasted  # which brings what reads tables

        columns, places = Pasted(require_length(sent, limits), TABLE).cells()
    elif isinstance(sent, Mapping):
        columns = {str(name): column for name, column in sent.items()}
        places = _places(columns)
    else:
        raise Refusal(400, f"a {type(sent).__name__} is no table", "Send CSV, or a list of values for each column")
    return [value for _, value in modality.assemble(TableCells(TABLE, columns, places, {})).values]


def _places(columns: Mapping[str, Any]) -> list[str]:
    """The places of the rows. Raises Refusal for columns that are none, or of different lengths."""
    lengths = {name: len(column) for name, column in columns.items() if isinstance(column, list)}
    if len(lengths) < len(columns) or len(set(lengths.values())) != 1:
        raise Refusal(
            400, "the columns are no lists of one length", 'Such as: {"time": ["2024-01-01", …], "sales": [3, …]}'
        )
    return [f"{TABLE}, row {row}" for row in range(1, next(iter(lengths.values())) + 1)]
