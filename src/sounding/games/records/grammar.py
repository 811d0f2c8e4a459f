"""SGF's text as trees of nodes (FF[4], Arno Hollosi 2021), which know no game.

    Collection = GameTree { GameTree }      GameTree = "(" Sequence { GameTree } ")"      Sequence = Node { Node }
    Node = ";" { Property }                 Property = Identifier Value { Value }         Value = "[" text "]"

Text before the first "(;" is skipped, as the standard asks (mail, byte order marks). Lower-case letters of identifiers
are left out, as FF[1] to FF[3] wrote them: CoPyright is CP. Nothing here calls itself, however deep a file nests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sounding.errors import DataError

Node = dict[str, list[str]]
"""The properties of a node: identifier → its values, with their escapes."""

DEEPEST = 1_000
"""Variations inside variations."""
LONGEST = 1_000_000
"""Characters of a value."""

_BEGIN = re.compile(r"\(\s*;")
_SPACE = re.compile(r"\s*")
_IDENTIFIER = re.compile(r"[A-Za-z]+")
_VALUE = re.compile(r"\s*\[([^\\\]]*+(?:\\.[^\\\]]*+)*+)\]", re.DOTALL)


@dataclass
class Tree:
    """The nodes of a game in the order of the file, and the place of each one's parent (-1: none)."""

    nodes: list[Node] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)

    def add(self, parent: int) -> int:
        """A new node behind `parent`; its place."""
        self.nodes.append({})
        self.parents.append(parent)
        return len(self.nodes) - 1

    def path(self, leaf: int) -> list[Node]:
        """The nodes from the root to a node."""
        found = []
        while leaf >= 0:
            found.append(self.nodes[leaf])
            leaf = self.parents[leaf]
        return found[::-1]

    def moves(self, leaf: int) -> int:
        """How many moves are made from the root to a node."""
        return sum(is_move(node) for node in self.path(leaf))

    @property
    def leaves(self) -> list[int]:
        """The places of the last nodes: of the main line, then of each variation in the order of the file."""
        inner = set(self.parents)
        return [place for place in range(len(self.nodes)) if place not in inner]


def is_move(node: Node) -> bool:
    """Whether a node makes a move."""
    return "B" in node or "W" in node


def trees(text: str, name: str) -> Iterator[Tree]:
    """The games in `text`, in order.

    Raises DataError, with where it is in the file called `name`, for text that is no SGF. Where the fault is in a game,
    the end of that game is not known: nothing behind it can be read.
    """
    begin = _BEGIN.search(text)
    if begin is None:
        raise DataError("there is no game in it: none begins with (;", where=name, fix="Is it an SGF file?")
    parser = _Parser(text, name, begin.start())
    while not parser.ended:
        yield parser.tree()


class _Parser:
    """Reads one game after the other; `at` is where it stands in the text."""

    def __init__(self, text: str, name: str, at: int) -> None:
        self.text, self.name, self.at, self.game = text, name, at, 0

    @property
    def ended(self) -> bool:
        self.skip()
        return self.at >= len(self.text)

    @property
    def sign(self) -> str:
        return self.text[self.at : self.at + 1]

    def skip(self) -> None:
        """Go over space."""
        found = _SPACE.match(self.text, self.at)
        self.at = self.at if found is None else found.end()

    def tree(self) -> Tree:
        """The game that begins here."""
        self.game += 1
        tree, current, opened, may = Tree(), -1, list[int](), "("
        while may:
            self.skip()
            sign = self.sign
            kind = "P" if sign.isalpha() and sign.isascii() else sign
            if not sign or kind not in may:
                raise self.fault(self.unexpected(len(opened)), tree, current)
            if kind == "P":
                self.property(tree, current)
                continue
            self.at += 1
            if sign == "(":
                opened.append(current)
                may = ";"
                if len(opened) > DEEPEST:
                    raise self.fault(f"variations are nested more than {DEEPEST:,} deep", tree, current)
            elif sign == ";":
                current = tree.add(current)
                may = "P;()"
            else:
                current = opened.pop()
                may = "()" if opened else ""
        return tree

    def property(self, tree: Tree, current: int) -> None:
        """Read a property and its values into the current node."""
        written = _IDENTIFIER.match(self.text, self.at)
        identifier = "" if written is None else re.sub("[a-z]", "", written[0])
        if written is None or not identifier:
            raise self.fault("a property is written in capitals, such as B or KM", tree, current)
        self.at = written.end()
        values = tree.nodes[current].setdefault(identifier, [])
        while value := _VALUE.match(self.text, self.at):
            if len(value[1]) > LONGEST:
                raise self.fault(f"the value of {identifier} is longer than {LONGEST:,} characters", tree, current)
            values.append(value[1])
            self.at = value.end()
        self.skip()
        if self.sign == "[":
            raise self.fault(f'the value of {identifier} has no end ("]"): the file is cut off', tree, current)
        if not values:
            raise self.fault(f"{identifier} has no value", tree, current)

    def unexpected(self, opened: int) -> str:
        """What to say of what stands here."""
        if self.sign:
            return f"{self.sign!r} cannot stand here"
        return f"the file ends inside the game ({opened} closing parenthes{'is' if opened == 1 else 'es'} missing)"

    def fault(self, what: str, tree: Tree, current: int) -> DataError:
        """The error for what is wrong here."""
        line, move = self.text.count("\n", 0, self.at) + 1, tree.moves(current)
        where = f"{self.name}:{line}: game {self.game}, {f'move {move}' if move else 'before its first move'}"
        return DataError(what, where=where, fix="Mend the file or leave it out: from there on it cannot be read")
