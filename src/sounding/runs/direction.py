"""What a run answers from and in: the columns that it was trained on, which may be languages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sounding.errors import UsageError

if TYPE_CHECKING:
    from sounding.runs.model import Model


def require_direction(model: Model, input: str | None = None, target: str | None = None) -> None:
    """Raise UsageError where somebody asks for other columns (languages) than those that the run was trained on."""
    asked = {role: name for role, name in (("input", input), ("target", target)) if name is not None}
    if not asked:
        return
    path, task = model.dir / "data.json", model.task
    known = model.run.data.get("column_names", {}) if path.exists() else {}
    own = {role: known[role] for role in ("input", "target") if role in known}
    wanted = " ".join(f"{'from' if role == 'input' else 'to'} {name}" for role, name in asked.items())
    if len(own) < 2:
        what = f"from what and to what this run answers is not known by name, and {wanted} was asked for"
        raise UsageError(what, where=str(model.dir), fix="Leave that out")
    sides = {"input": task.input, "target": task.target}
    if any(sides[role].canonical(name) != sides[role].canonical(own[role]) for role, name in asked.items()):
        what = f"this run was trained from {own['input']} to {own['target']}, and knows nothing {wanted}"
        fix = "Ask a run of that direction; to train one: sounding train TASK DATA --input … --target …"
        raise UsageError(what, where=str(model.dir), fix=fix)


def directed(name: str, pipeline: str) -> tuple[str, str] | None:
    """What a pipeline called `translation_en_to_de` goes from and to; None for a name that does not say it."""
    found = re.fullmatch(rf"{re.escape(pipeline)}_([\w-]+?)_to_([\w-]+)", name) if pipeline else None
    return None if found is None else (found[1], found[2])
