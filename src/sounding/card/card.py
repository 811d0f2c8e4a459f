"""The card of one model as people, hubs and programs get it: contents, and the files that are written of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sounding.card.contents import SCHEMA, Contents, Header
from sounding.card.html import framed, html
from sounding.card.markdown import markdown
from sounding.card.sections import sections
from sounding.card.spdx import spdx
from sounding.card.storage import files_of, replace_all
from sounding.files import json_text, read_json

__all__ = ["SCHEMA", "Card", "Header", "sections"]


@dataclass(frozen=True)
class Card(Contents):
    """The header and the sections, and how they are saved. `measuring.measure` makes one."""

    def markdown(self) -> str:
        """The card as Markdown, with a YAML head that model hubs read."""
        return markdown(self)

    def html(self) -> str:
        """The card as one self-contained page."""
        return html(self)

    def _repr_html_(self) -> str:
        """What a notebook shows: the page."""
        return framed(self.html())

    def spdx(self) -> dict[str, Any]:
        """What the card knows as an SPDX 3.0.1 document of the AI profile, for bills of materials."""
        return spdx(self)

    def save(self, path: Path | str) -> Path:
        """Write card.json, card.md, card.html, card.spdx.json and plots/ into a folder; or the one file that is named.

        One file: `path` ends in .html or .md. All are written beside what is there and put in place together, so a
        failure leaves the former card intact. Raises RunError when something cannot be written. Gives the path back.
        """
        path = Path(path)
        if path.suffix in (".html", ".md"):
            replace_all({path: self.html() if path.suffix == ".html" else self.markdown()})
            return path
        files: dict[Path, Any] = {
            path / "plots" / name: content
            for section in self
            for figure in section.figures
            for name, content in files_of(figure).items()
        }
        files |= {
            path / "card.html": self.html(),
            path / "card.md": self.markdown(),
            path / "card.spdx.json": json_text(self.spdx(), indent=1) + "\n",
            path / "card.json": self.to_json(),
        }
        replace_all(files)
        return path

    @classmethod
    def load(cls, folder: Path | str) -> Card:
        """The card that was saved in `folder`. Raises RunError when it is missing, damaged or too new."""
        return cls.from_json(read_json(Path(folder) / "card.json"), folder)
