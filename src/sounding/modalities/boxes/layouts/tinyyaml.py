"""The little of YAML that data.yaml files use: keys with a text, a list or a mapping of texts, in a block or inline.

It is tolerant: what it does not understand, it leaves out. Anchors, nested structures and texts of several lines are
not read.
"""

from __future__ import annotations

import re

Value = str | list[str] | dict[str, str]

_KEY = re.compile(r"""^("[^"]*"|'[^']*'|[^\s:#'"][^:#]*?)\s*:(?:\s+(.*)|)$""")
_WORD = re.compile(r"""\s*((?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,])+)(?:,|$)""", re.DOTALL)


def read(text: str) -> dict[str, object]:
    """The keys of the outermost level."""
    found: dict[str, object] = {}
    lines = [line for line in map(_without_comment, text.splitlines()) if line.strip() and line.strip() != "---"]
    at = 0
    while at < len(lines):
        key = _KEY.match(lines[at])
        at += 1
        if key is None:
            continue
        rest = (key[2] or "").strip()
        while rest[:1] in ("[", "{") and not rest.endswith(("]", "}")) and at < len(lines):  # goes on
            rest, at = f"{rest} {lines[at].strip()}", at + 1
        block = []
        while not rest and at < len(lines) and lines[at].lstrip().startswith("-") | lines[at].startswith((" ", "\t")):
            block.append(lines[at].strip())
            at += 1
        found[_bare(key[1])] = _value(rest) if rest else _block(block)
    return found


def _value(text: str) -> Value:
    if text.startswith("["):
        return [_bare(word) for word in _words(text)]
    return _mapping(_words(text)) if text.startswith("{") else _bare(text)


def _words(text: str) -> list[str]:
    return [word for word in (m.strip() for m in _WORD.findall(text[1:-1])) if word]


def _block(lines: list[str]) -> Value:
    if lines and lines[0].startswith("-"):
        return [_bare(line[1:]) for line in lines if line.startswith("-")]
    return _mapping(lines) if lines else ""


def _mapping(pairs: list[str]) -> dict[str, str]:
    matches = [_KEY.match(pair) or re.match(r"^([^:]+):(.*)$", pair) for pair in pairs]
    return {_bare(m[1]): _bare(m[2] or "") for m in matches if m}


def _bare(text: str) -> str:
    """Without spaces and quotes around it."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1].replace("''", "'") if text[0] == "'" else text[1:-1].replace('\\"', '"')
    return text


def _without_comment(line: str) -> str:
    """The line without a comment that begins outside of quotes."""
    quote = ""
    for i, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"" and (i == 0 or line[i - 1] in " \t[{,:-"):
            quote = letter
        elif letter == "#" and (i == 0 or line[i - 1] in " \t"):
            return line[:i].rstrip()
    return line.rstrip()
