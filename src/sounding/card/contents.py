"""What a card holds, before anything is written: the header and the sections, and their public format.

    Header     what was measured, when and with what
    Contents   the header and the sections; to and from JSON

The writers (html.py, markdown.py, spdx.py) take Contents; card.py adds the files to it. `card.json` is a public format,
schema 1: what is in it may grow, but what is there keeps its name and meaning.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Self

from sounding.card.storage import finite, read_section
from sounding.contract.evidence import Number, Section
from sounding.errors import RunError
from sounding.evaluation.context import EvaluationContext

SCHEMA = 1
_PUBLIC = ("task", "model", "data", "created", "command", "profile")  # header fields at the top of card.json


@dataclass(frozen=True)
class Header:
    """What was measured, when and with what. `measure` fills in what is left empty below `command`.

    `created` is ISO 8601 in UTC. `licence` is an SPDX id or a note, `pipeline` the hub's pipeline tag, `use` a sentence
    of the author on what the model is for and what it is not for, `region` where the electricity comes from, `options`
    how the model answered.
    """

    task: str
    model: str
    data: str
    command: str = ""
    created: str = ""
    profile: str = ""
    seed: int | None = None
    parameters: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    pipeline: str = ""
    use: str = ""
    region: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def about(self, context: EvaluationContext) -> Header:
        """The header with everything that the context and this process know."""
        return replace(
            self,
            created=self.created or datetime.now(UTC).isoformat(timespec="seconds"),
            profile=context.profile,
            seed=context.seed,
            parameters=sum(p.numel() for p in context.model.parameters()),
            versions=self.versions or versions(),
            region=self.region or context.region,
            options=context.task.options.to_json(),
        )


@dataclass(frozen=True)
class Contents:
    """The header and the sections. `card["robustness"]["corrupted"]` is an Estimate."""

    header: Header
    sections: tuple[Section, ...]

    def __getitem__(self, id: str) -> Section:
        """The section called `id`."""
        for section in self.sections:
            if section.id == id:
                return section
        raise KeyError(f"the card has no section {id}; it has {', '.join(s.id for s in self.sections)}")

    def __iter__(self) -> Iterator[Section]:
        return iter(self.sections)

    def get(self, id: str) -> Section | None:
        """The section called `id`, or None."""
        return next((section for section in self.sections if section.id == id), None)

    @property
    def headline(self) -> Number | None:
        """The first number of the section on quality: the task's headline metric."""
        quality = self.get("quality")
        return quality.numbers[0] if quality and quality.numbers else None

    @property
    def seconds(self) -> float:
        """The cost of measuring: the seconds that all sections took."""
        return sum(section.seconds for section in self.sections)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C kept a section from being measured."""
        return any(section.interrupted for section in self.sections)

    @property
    def failed(self) -> tuple[Section, ...]:
        """The sections whose measurement broke; each says why in its reason."""
        return tuple(section for section in self.sections if section.failed)

    @property
    def exit_status(self) -> int:
        """What the command that made this card ends with: 130 when interrupted, 1 when a section failed, else 0."""
        if self.interrupted:
            return 130
        return 1 if self.failed else 0

    def to_json(self) -> dict[str, Any]:
        """The card in the public format. Values that are not finite, which JSON cannot hold, become null."""
        header = {f.name: getattr(self.header, f.name) for f in fields(Header)}
        public = {name: header.pop(name) for name in _PUBLIC}
        about = {
            **header,
            "versions": dict(self.header.versions),
            "options": dict(self.header.options),
            "seconds": round(self.seconds, 3),
        }
        sections = [section.to_json() for section in self.sections]
        return finite({"schema": SCHEMA, **public, "about": about, "sections": sections})

    @classmethod
    def from_json(cls, values: Mapping[str, Any], folder: Path | str | None = None) -> Self:
        """The card that gave `values`, with the figures that lie in `folder`/plots.

        Raises RunError for a schema that is newer than this version, and for JSON that is no card.
        """
        where = str(folder or "")
        schema = values.get("schema") if isinstance(values, Mapping) else None
        if not isinstance(schema, int):
            raise RunError("this JSON is not a card", where=where, fix="Make the card again with sounding card")
        if schema > SCHEMA:
            what = f"the card has schema {schema}, and this version reads up to {SCHEMA}"
            raise RunError(what, where=where, fix="Update sounding, or make the card again with sounding card")
        try:
            known = {f.name for f in fields(Header)}
            header = {k: v for k, v in {**values, **values.get("about", {})}.items() if k in known}
            plots = Path(folder) / "plots" if folder is not None else None
            return cls(Header(**header), tuple(read_section(section, plots) for section in values["sections"]))
        except (KeyError, TypeError, AttributeError) as error:
            what = f"the card is incomplete ({error})"
            raise RunError(what, where=where, fix="Make the card again with sounding card") from None


def versions() -> dict[str, str]:
    """What the measuring ran on, by name."""
    found = {name: metadata.version(name) for name in ("sounding", "torch", "numpy")}
    return {**found, "python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
