"""Games of chess in files: Portable Game Notation (S. Edwards 1994), read as programs write it, and written.

    for record in read(Path("games.pgn")):
        for position, made in zip(record.positions(), record.moves): …

Comments, NAGs and variations are read, within each other to any depth; lines that begin with % are not. Moves are
looked at under the rules: "games.pgn: game 12, move 23: Black's Nf9 is no move".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sounding.errors import DataError
from sounding.files import unreadable, write
from sounding.games.chess import Chess, fen
from sounding.games.chess.actions import action_of
from sounding.games.chess.layout import PLY, TURN
from sounding.games.chess.san import Notation
from sounding.games.chess.uci import legal_moves
from sounding.games.records.chess_record import RESULTS, ChessRecord, Made

Refused = Callable[[DataError], None]

ROSTER = ("Event", "Site", "Date", "Round", "White", "Black", "Result")
"""The tags that every game has, in their order."""
WIDE = 80
"""Characters of a line that is written."""
DEEPEST = 100
"""Variations within each other."""
OPINIONS = {"!": 1, "?": 2, "!!": 3, "??": 4, "!?": 5, "?!": 6}
NOTHING = ("--", "Z0", "null", "@@@@")
"""A move that is none, as annotators write it in variations."""

_FIX = "Mend the record, or leave this game out"
_TAG = re.compile(r'\s*\[\s*(\w+)\s+"((?:[^"\\]|\\.)*)"\s*\]\s*')
_TOKEN = re.compile(
    r"\{([^}]*)\}|;([^\n]*)|(\(|\))|\$(\d+)|(1-0|0-1|1/2-1/2|\*)|(\d+\s*\.+|\.+)|([!?]{1,2})|([^\s{}();$!?]+)|(\{|[$!?])"
)
_VARIANTS = re.compile(r"chess ?960|fischerandom|fischer random", re.I)


def read(path: Path, *, refused: Refused | None = None) -> Iterator[ChessRecord]:
    """The games of a file in order. `refused` is told of each that cannot be used; without it the first is raised.

    Raises DataError for a file that cannot be read, or holds no game.
    """
    try:
        with path.open("rb") as source:
            yield from games(map(_decoded, source), path.name, refused=refused)
    except OSError as error:
        raise unreadable(str(path), error) from None


def games(lines: Iterable[str], name: str = "PGN", *, refused: Refused | None = None) -> Iterator[ChessRecord]:
    """The games of the lines of a text, as `read` has them; `name` is what errors call it."""
    number = 0
    for number, (tags, text) in enumerate(_divided(lines), 1):
        where = f"{name}: game {number}"
        try:
            yield _record(tags, text, where)
        except DataError as error:
            if refused is None:
                raise
            refused(error)
    if not number:
        raise DataError("no game of chess is in it", where=name, fix="Give a PGN file: tags, then moves")


def _decoded(line: bytes) -> str:
    try:
        return line.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _divided(lines: Iterable[str]) -> Iterator[tuple[dict[str, str], str]]:
    """The tags and the text of the moves of each game."""
    tags, moves, inside = dict[str, str](), list[str](), False
    for line in lines:
        if line.startswith("%"):
            continue
        tag = None if inside else _TAG.fullmatch(line)
        if tag is not None:
            if moves:
                yield tags, "".join(moves)
                tags, moves = {}, []
            tags[tag[1]] = re.sub(r"\\(.)", r"\1", tag[2])
        elif line.strip():
            moves.append(f"{line}\n")
            inside = _is_inside(line, inside)
    if tags or moves:
        yield tags, "".join(moves)


def _is_inside(line: str, inside: bool) -> bool:
    """Whether the end of a line is in a comment between braces."""
    for sign in re.findall(r"[{};]", line):
        if sign == ";" and not inside:
            break
        inside = (sign == "{") if sign != ";" else inside
    return inside


def _record(tags: dict[str, str], text: str, where: str) -> ChessRecord:
    chess960 = bool(_VARIANTS.search(tags.get("Variant", "")))
    try:
        begin = fen.read(tags["FEN"], chess960, claims=False) if "FEN" in tags else Chess().start(1)
    except DataError as error:
        raise DataError(error.what, where=where, fix=error.fix or _FIX) from None
    reader = _Reader(begin[0], where)
    moves, remark, result = reader.read(text)
    if result not in RESULTS or result == "*":
        result = tags.get("Result", "*") if tags.get("Result") in RESULTS else "*"
    return ChessRecord(moves, begin, tags, result, remark, chess960, where)


class _Line:
    """A line of moves that is being read: the board behind the last, the one before it, and the moves."""

    def __init__(self, position: np.void) -> None:
        self.board = Notation(position)
        self.before = self.board.boards.copy()
        self.moves: list[Made] = []
        self.remark = ""
        self.closed = False

    def branch(self) -> _Line:
        """A line that begins in place of the last move."""
        found = object.__new__(_Line)
        found.board = Notation.__new__(Notation)
        found.board.__dict__.update(self.board.__dict__)
        found.board.boards = self.before.copy()
        found.before = self.before.copy()
        found.moves, found.remark, found.closed = [], "", False
        return found


class _Reader:
    """Reads the moves of one game."""

    def __init__(self, position: np.void, where: str) -> None:
        self._lines = [_Line(position)]
        self._where = where

    def read(self, text: str) -> tuple[tuple[Made, ...], str, str]:
        """The moves, what is said before them, and the result. Raises DataError, which names the move."""
        result = "*"
        for found in _TOKEN.finditer(text):
            comment, rest, bracket, nag, end, _, opinion, word, wrong = found.groups()
            if comment is not None or rest is not None:
                self._say(" ".join((comment if comment is not None else rest).split()))
            elif bracket == "(":
                self._open()
            elif bracket == ")":
                self._close()
            elif nag or opinion:
                self._judge(int(nag) if nag else OPINIONS.get(opinion, 0))
            elif end and len(self._lines) == 1:
                result = end
                break
            elif word and not word.isdecimal():
                self._play(word)
            elif wrong == "{":
                raise self._fault("a comment has no end", "Close it with }")
        if len(self._lines) > 1:
            raise self._fault("a variation has no end", "Close it with )")
        return tuple(self._lines[0].moves), self._lines[0].remark, result

    def _play(self, word: str) -> None:
        line = self._lines[-1]
        if line.closed:
            return
        if word in NOTHING and len(self._lines) > 1:
            line.closed = True
            return
        turn = int(line.board.boards[0, TURN])
        try:
            code = line.board.move_of(word)
        except ValueError as error:
            raise self._fault(f"{('White', 'Black')[turn]}'s {error}", _FIX) from None
        line.before = line.board.boards.copy()
        line.board.play(code)
        line.moves.append(Made(int(action_of(code, turn))))

    def _open(self) -> None:
        if not self._lines[-1].moves or len(self._lines) > DEEPEST:
            raise self._fault("a variation stands where no move is before it", _FIX)
        self._lines.append(self._lines[-1].branch())

    def _close(self) -> None:
        if len(self._lines) == 1:
            raise self._fault("a variation ends that has not begun", "Take the ) away")
        line = self._lines.pop()
        moves = self._lines[-1].moves
        if line.moves:
            moves[-1] = replace(moves[-1], variations=(*moves[-1].variations, tuple(line.moves)))

    def _say(self, text: str) -> None:
        line = self._lines[-1]
        if line.moves:
            line.moves[-1] = replace(line.moves[-1], comment=f"{line.moves[-1].comment} {text}".strip())
        else:
            line.remark = f"{line.remark} {text}".strip()

    def _judge(self, nag: int) -> None:
        moves = self._lines[-1].moves
        if moves and nag:
            moves[-1] = replace(moves[-1], nags=(*moves[-1].nags, nag))

    def _fault(self, what: str, fix: str) -> DataError:
        number = int(self._lines[0].board.boards[0, PLY]) // 2 + 1
        return DataError(what, where=f"{self._where}, move {number}", fix=fix)


# ---- writing


def save(path: Path, records: Iterable[ChessRecord]) -> None:
    """Write games as PGN, in place of what is there. Raises RunError where it cannot be written."""
    write(path, "\n".join(pgn(record) for record in records))


def pgn(record: ChessRecord) -> str:
    """A game as PGN, which `games` reads back as the same record."""
    tags = {name: record.tags.get(name, "????.??.??" if name == "Date" else "?") for name in ROSTER}
    tags |= {**record.tags, "Result": record.result}
    if record.chess960:
        tags["Variant"] = "Chess960"
    text = fen.written(record.beginning[0])
    if text != fen.written(Chess().start(1)[0]):
        tags |= {"SetUp": "1", "FEN": text}
    lines = [f'[{name} "{_quoted(value)}"]' for name, value in tags.items()]
    words = [_braced(record.remark)] if record.remark else []
    words += _words(record.beginning, record.moves, record.game)
    return "\n".join([*lines, "", *_wrapped([*words, record.result]), ""])


def _words(position: np.ndarray, moves: Sequence[Made], game: Chess) -> list[str]:
    """A line of moves with all that is said of them, from a position [1]."""
    words, numbered = list[str](), False
    board, turn, ply = Notation(position[0]), int(position["turn"][0]), int(position["ply"][0])
    now = game.settled(position)
    for made in moves:
        move = next(code for code in legal_moves(now[0]) if action_of(code, turn) == made.action)
        if turn == 0 or not numbered:
            words.append(f"{ply // 2 + 1}{'...' if turn else '.'}")
        words += [board.text(move), *(f"${nag}" for nag in made.nags)]
        if made.comment:
            words.append(_braced(made.comment))
        for line in made.variations:
            inside = _words(now, line, game)
            words += [f"({inside[0]}", *inside[1:-1], f"{inside[-1]})"]
        numbered = not (made.comment or made.variations)
        board.play(move)
        game.play(now, np.array([made.action]))
        turn, ply = 1 - turn, ply + 1
    return words


def _quoted(value: str) -> str:
    return " ".join(value.split()).replace("\\", "\\\\").replace('"', '\\"')


def _braced(text: str) -> str:
    return "{" + " ".join(text.split()).replace("}", ")") + "}"


def _wrapped(words: Sequence[str]) -> list[str]:
    """Words as lines that are not too wide; comments are divided between their words."""
    lines = [""]
    for word in " ".join(words).split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > WIDE:
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{word}"
    return lines
