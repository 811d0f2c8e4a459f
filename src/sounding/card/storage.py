"""How a card lies on disk: strict JSON, figures as files, all of it replaced together or not at all."""

from __future__ import annotations

import base64
import math
import os
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from sounding.contract.evidence import Bound, Clip, Estimate, Figure, Number, Section, Status
from sounding.errors import ESCAPED
from sounding.files import beside, discard, json_text, unwritable


def files_of(figure: Figure) -> dict[str, str | bytes]:
    """The figure's files in plots/; an id that can be none is a bug of the section that chose it."""
    if not re.fullmatch(r"[\w-][\w.-]*", figure.id, re.ASCII):
        raise ValueError(f"the figure id {figure.id!r} is no file name")
    sounds = {name: base64.b64decode(clip.base64) for name, clip in zip(figure.clip_names, figure.clips, strict=True)}
    return {f"{figure.id}.svg": figure.svg, **sounds}


def read_section(values: Mapping[str, Any], plots: Path | None) -> Section:
    """The section that gave `values` as JSON, with those of its figures that lie in the folder `plots`."""
    figures = (_figure(figure, plots) for figure in values.get("figures", ()))
    return Section(
        id=values["id"],
        title=values["title"],
        sentence=values.get("sentence", ""),
        numbers=tuple(_number(number) for number in values.get("numbers", ())),
        figures=tuple(figure for figure in figures if figure is not None),
        status=Status(values.get("cause") or values["status"]),
        reason=values.get("reason", ""),
        details=values.get("details", {}),
        seconds=values.get("seconds", 0.0),
    )


def _number(values: Mapping[str, Any]) -> Number:
    parts = {f.name: values[f.name] for f in fields(Estimate) if f.name in values}
    value = math.nan if values["value"] is None else values["value"]
    own = {f.name: values[f.name] for f in fields(Number) if f.name in values}
    own["bound"] = Bound(own.get("bound", ""))
    return Number(**own, estimate=Estimate(**{**parts, "value": value}))


def _figure(values: Mapping[str, Any], plots: Path | None) -> Figure | None:
    """The figure with its picture, or None where that is gone; only a file in `plots` is ever read."""
    path = plots / f"{Path(values['id']).name}.svg" if plots else None
    if plots is None or path is None or not path.is_file():
        return None
    clips = (_clip(clip, plots) for clip in values.get("clips", ()))
    heard = tuple(clip for clip in clips if clip is not None)
    return Figure(values["id"], values["caption"], path.read_text(encoding="utf-8"), heard)


def _clip(values: Mapping[str, Any], plots: Path) -> Clip | None:
    """The clip with its sound, or None where that is gone."""
    path = plots / Path(values["file"]).name
    if not path.is_file():
        return None
    return Clip(values["name"], values["media"], base64.b64encode(path.read_bytes()).decode())


def finite(value: Any) -> Any:
    """The value with null in place of every number that JSON cannot hold."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def replace_all(files: Mapping[Path, Any]) -> None:
    """Put all files in place, or none: each is written under a temporary name before the first is replaced.

    Values that are neither text nor bytes are written as JSON. Raises RunError when something cannot be written.
    """
    waiting: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in files.items():
            waiting[path] = beside(path)
            _write(waiting[path], content)
        for path, temporary in waiting.items():
            os.replace(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        for temporary in waiting.values():
            discard(temporary)


def _write(path: Path, content: Any) -> None:
    if not isinstance(content, str | bytes):
        content = json_text(content, indent=1, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode("utf-8", ESCAPED))
        file.flush()
        os.fsync(file.fileno())  # on the disk before it takes the former file's place
