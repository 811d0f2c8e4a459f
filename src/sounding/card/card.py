"""The card of one model: a header that says what was measured, and the sections that the measurements gave.

    measure(subject, report, header)   runs every section and times it
    Card                               header and sections; to and from JSON, saved as json, md, html and plots

`card.json` is a public format, schema 1: what is in it may grow, but what is there keeps its name and meaning.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Any

from sounding.card.storage import file_name, finite, read_section, replace_all
from sounding.engine.evidence import Number, Section, skipped, timed
from sounding.engine.files import read_json
from sounding.engine.subject import Subject
from sounding.errors import RunError

SCHEMA = 1
SECTIONS: Mapping[str, str] = {
    "data": "Data",
    "quality": "Quality",
    "data_efficiency": "Data efficiency",
    "interpretability": "Interpretability",
    "robustness": "Robustness",
    "calibration": "Calibration",
    "energy": "Energy",
}
"""Id → usual title of every section that a card has, in the order of the card."""

_PUBLIC = ("task", "model", "data", "created", "command", "profile")  # header fields at the top of card.json


@dataclass(frozen=True)
class Header:
    """What was measured, when and with what. `measure` fills in what is left empty below `command`.

    `created` is ISO 8601 in UTC. `licence` is an SPDX id or a note, `pipeline` the hub's pipeline tag, `use` a sentence
    of the author on what the model is for and what it is not for.
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

    def about(self, subject: Subject) -> Header:
        """The header with everything that the subject and this process know."""
        return replace(
            self,
            created=self.created or datetime.now(UTC).isoformat(timespec="seconds"),
            profile=subject.profile,
            seed=subject.seed,
            parameters=sum(p.numel() for p in subject.model.parameters()),
            versions=self.versions or _versions(),
        )


def measure(
    subject: Subject, report: Mapping[str, Any], header: Header, *, progress: Callable[[str], None] | None = None
) -> Card:
    """Measure every section on `subject`; `report` is what `engine.data.Report.to_json()` gives.

    `progress` hears the title of each section before its measurement starts. An interruption (Ctrl-C) ends the
    measuring but loses nothing: the sections measured so far are in the card, and the others say that they were
    interrupted.
    """
    done: list[Section] = []
    try:
        measurements = _measurements(report)
        for id, title in SECTIONS.items():
            if progress:
                progress(title)
            started = perf_counter()
            section = measurements[id](subject)
            done.append(timed(section, perf_counter() - started))
    except KeyboardInterrupt:
        missing = list(SECTIONS.items())[len(done) :]
        done += [skipped(id, title, "interrupted before it was measured") for id, title in missing]
    return Card(header.about(subject), tuple(done))


def _measurements(report: Mapping[str, Any]) -> dict[str, Callable[[Subject], Section]]:
    """Section id → its measurement. Imported here, so that reading a card does not load what measures one."""
    from sounding.card import data, quality
    from sounding.challenges import calibration, data_efficiency, energy, interpretability, robustness

    return {
        "data": lambda subject: data.measure(subject, report),
        "quality": quality.measure,
        "data_efficiency": data_efficiency.measure,
        "interpretability": interpretability.measure,
        "robustness": robustness.measure,
        "calibration": calibration.measure,
        "energy": energy.measure,
    }


@dataclass(frozen=True)
class Card:
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
        return any(s.status == "skipped" and s.reason.startswith("interrupted") for s in self.sections)

    # ---- as JSON

    def to_json(self) -> dict[str, Any]:
        """The card in the public format. Values that are not finite, which JSON cannot hold, become null."""
        header = {f.name: getattr(self.header, f.name) for f in fields(Header)}
        public = {name: header.pop(name) for name in _PUBLIC}
        about = {**header, "versions": dict(self.header.versions), "seconds": round(self.seconds, 3)}
        sections = [section.to_json() for section in self.sections]
        return finite({"schema": SCHEMA, **public, "about": about, "sections": sections})

    @classmethod
    def from_json(cls, values: Mapping[str, Any], folder: Path | str | None = None) -> Card:
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

    # ---- as files

    def markdown(self) -> str:
        """The card as Markdown, with a YAML head that model hubs read."""
        from sounding.card.markdown import markdown

        return markdown(self)

    def html(self) -> str:
        """The card as one self-contained page."""
        from sounding.card.html import html

        return html(self)

    def save(self, path: Path | str) -> Path:
        """Write card.json, card.md, card.html and plots/ into a folder; or one file, if `path` ends in .html or .md.

        All are written beside what is there and put in place together, so a failure leaves the former card intact.
        Raises RunError when something cannot be written. Gives the path back.
        """
        path = Path(path)
        if path.suffix in (".html", ".md"):
            replace_all({path: self.html() if path.suffix == ".html" else self.markdown()})
            return path
        files: dict[Path, Any] = {path / "plots" / file_name(f): f.svg for section in self for f in section.figures}
        files |= {
            path / "card.html": self.html(),
            path / "card.md": self.markdown(),
            path / "card.json": self.to_json(),
        }
        replace_all(files)
        return path

    @classmethod
    def load(cls, folder: Path | str) -> Card:
        """The card that was saved in `folder`. Raises RunError when it is missing, damaged or too new."""
        return cls.from_json(read_json(Path(folder) / "card.json"), folder)


def _versions() -> dict[str, str]:
    found = {name: metadata.version(name) for name in ("sounding", "torch", "numpy")}
    return {**found, "python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
