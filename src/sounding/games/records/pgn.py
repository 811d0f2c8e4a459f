"""Games of chess in files: Portable Game Notation (S. Edwards 1994), read as programs write it, and written.

    for record in read(Path("games.pgn")):
        for position, made in zip(record.positions(), record.moves): …

Comments, NAGs and variations are read, within each other to any depth; lines that begin with % are not. A result ends a
game, and what follows is the next, with tags or without. Moves are looked at under the rules: "games.pgn: game 12, move
23: Black's Nf9 is no move (line 310)".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sounding.errors import DataError
from sounding.files import unreadable, write
from sounding.games.chess import Chess, fen
from sounding.games.chess.actions import action_of
from sounding.games.chess.layout import GOES_ON
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
_CHESS = re.compile(r"|\?|-|standard|chess|normal|regular|from position", re.I)
"""What the tag Variant says of chess as it is, in words of programs and services."""


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
    for number, written in enumerate(_divided(lines), 1):
        try:
            yield _record(written, f"{name}: game {number}")
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


@dataclass(frozen=True)
class _Written:
    """A game as it stands in a file: its tags, and the text of its moves with the number of each of its lines."""

    tags: dict[str, str]
    text: str
    lines: tuple[int, ...]

    def line(self, place: int) -> int:
        """The line of the file in which a character of the text stands."""
        number = self.text.count("\n", 0, place)
        return self.lines[min(number, len(self.lines) - 1)] if self.lines else 0


def _divided(lines: Iterable[str]) -> Iterator[_Written]:
    """The games, as tags and results divide them."""
    tags, moves, numbers, inside = dict[str, str](), list[str](), list[int](), False
    for number, line in enumerate(lines, 1):
        if line.startswith("%"):
            continue
        tag = None if inside else _TAG.fullmatch(line)
        if tag is not None:
            if moves:
                yield from _by_results(_Written(tags, "".join(moves), tuple(numbers)))
                tags, moves, numbers = {}, [], []
            tags[tag[1]] = re.sub(r"\\(.)", r"\1", tag[2])
        elif line.strip():
            moves.append(line if line.endswith("\n") else f"{line}\n")
            numbers.append(number)
            inside = _is_inside(line, inside)
    if tags or moves:
        yield from _by_results(_Written(tags, "".join(moves), tuple(numbers)))


def _by_results(written: _Written) -> Iterator[_Written]:
    """The games of a text that has tags at its beginning alone. Comments behind a result are its game's."""
    text, tags = written.text, written.tags
    begin, ended, line, depth = 0, 0, 0, 0
    for found in _TOKEN.finditer(text):
        comment, rest, bracket, _, result, *_ = found.groups()
        is_comment = comment is not None or rest is not None
        if ended and not is_comment:
            yield _Written(tags, text[begin:ended], written.lines[line:])
            line += text.count("\n", begin, ended)
            tags, begin, ended, depth = {}, ended, 0, 0
        depth += {"(": 1, ")": -1}.get(bracket, 0)
        if ended or (result and depth <= 0):
            ended = found.end()
    yield _Written(tags, text[begin:], written.lines[line:])


def _is_inside(line: str, inside: bool) -> bool:
    """Whether the end of a line is in a comment between braces."""
    for sign in re.findall(r"[{};]", line):
        if sign == ";" and not inside:
            break
        inside = (sign == "{") if sign != ";" else inside
    return inside


def _record(written: _Written, where: str) -> ChessRecord:
    tags = written.tags
    variant = tags.get("Variant", "").strip()
    chess960 = bool(_VARIANTS.search(variant))
    if not (chess960 or _CHESS.fullmatch(variant)):
        raise DataError(f"the game is {variant}, and no chess", where=where, fix="Leave this game out")
    try:
        begin = fen.read(tags["FEN"], chess960, claims=False) if "FEN" in tags else Chess().start(1)
    except DataError as error:
        raise DataError(error.what, where=where, fix=error.fix or _FIX) from None
    moves, remark, result = _Reader(begin[0], written, where).read()
    said = tags.get("Result", "*")
    if "*" not in (result, said) and said in RESULTS and said != result:
        raise DataError(f"the tag says {said}, and the moves end with {result}", where=where, fix=_FIX)
    if result == "*" and said in RESULTS:
        result = said
    return ChessRecord(moves, begin, tags, result, remark, chess960, where)


class _Line:
    """A line of moves that is being read: the board behind the last, and the moves."""

    def __init__(self, board: Notation) -> None:
        self.board = board
        self.moves: list[Made] = []
        self.remark = ""
        self.closed = False

    def branch(self) -> _Line:
        """A line that begins in place of the last move."""
        return _Line(self.board.variation())


class _Reader:
    """Reads the moves of one game."""

    def __init__(self, position: np.void, written: _Written, where: str) -> None:
        self._lines = [_Line(Notation(position))]
        self._written, self._where = written, where
        self._place = 0

    def read(self) -> tuple[tuple[Made, ...], str, str]:
        """The moves, what is said before them, and the result. Raises DataError, which names the move."""
        result = "*"
        for found in _TOKEN.finditer(self._written.text):
            self._place = found.start()
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
        turn = line.board.turn
        try:
            code = line.board.move_of(word)
        except ValueError as error:
            raise self._fault(f"{('White', 'Black')[turn]}'s {error}", _FIX) from None
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
        what = f"{what} (line {self._written.line(self._place)})"
        return DataError(what, where=f"{self._where}, move {self._lines[0].board.number}", fix=fix)


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
        now["end"] = GOES_ON  # as in ChessRecord.positions
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
