"""The idea fits on a screen: files of up to 300 lines (applications 150), functions of up to 40 unless they say why."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "sounding"
FILE, APPLICATION, FUNCTION = 300, 150, 40
WHY = ("long because", "one piece because")  # words with which a docstring gives its reason

FILES = sorted(SOURCE.rglob("*.py"))


def limit(path: Path) -> int:
    return APPLICATION if "applications" in path.parts else FILE


def long_functions(text: str) -> list[str]:
    """Functions longer than the limit whose docstring gives no reason."""
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        f"{f.name}: {f.end_lineno - f.lineno + 1} lines"
        for f in functions
        if f.end_lineno - f.lineno + 1 > FUNCTION and not any(w in (ast.get_docstring(f) or "").lower() for w in WHY)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_and_functions_are_short(path):
    text = path.read_text()
    lines = len(text.splitlines())
    assert lines <= limit(path)
    assert long_functions(text) == []


def test_a_long_function_is_found_and_may_say_why():
    body = "\n".join("    x = 1" for _ in range(FUNCTION))
    assert long_functions(f"def f():\n{body}") == [f"f: {FUNCTION + 1} lines"]
    assert long_functions(f'def f():\n    """Long because its steps share ten names."""\n{body}') == []
    assert long_functions("def f():\n" + "\n".join("    x = 1" for _ in range(FUNCTION - 1))) == []
