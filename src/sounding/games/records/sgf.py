"""Files of Go games in SGF: reading and writing.

    for game in read(Path("games.sgf")):            # GameRecord: main lines; variations=True: each line
        for position, move in game.positions(): …   # played again under the rules

Properties that are understood: GM FF CA SZ KM HA AB AW AE PL B W RE PB PW BR WR DT RU C. Others are left alone.
Source: https://www.red-bean.com/sgf/ (FF[4]); FF[1] to FF[3] where they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sounding.errors import DataError
from sounding.files import unreadable, write
from sounding.games.records.grammar import Node, Tree, is_move, trees
from sounding.games.records.record import BLACK, LEAST, MOST, WHITE, GameRecord, Move, komi_of
from sounding.games.records.text import action, decoded, escaped, plain, points, simple, written
from sounding.wording import counted

Refused = Callable[[DataError], None]

MOST_MOVES = 2_000
"""Moves of a game."""
MOST_BYTES = 2**30
_FIX = "Mend the record, or leave this game out"
_A_LINE = 10


def read(path: Path, *, variations: bool = False, refused: Refused | None = None) -> Iterator[GameRecord]:
    """The games of a file in order: their main lines, or each line with `variations`.

    `refused` is told of each game that cannot be used, and the others are given; without it the first is raised. Moves
    are looked at under the rules when a record is played again, not here. Raises DataError for no SGF file.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError("the file is larger than 1 GiB", where=path.name, fix="Divide it into several files")
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(str(path), error) from None
    yield from games(decoded(data, path.name), path.name, variations=variations, refused=refused)


def games(
    content: str, name: str = "SGF", *, variations: bool = False, refused: Refused | None = None
) -> Iterator[GameRecord]:
    """The games of a text, as `read` has them; `name` is what errors call it."""
    found = trees(content, name)
    number = 0
    while True:
        number += 1
        try:
            tree = next(found, None)
            if tree is None:
                return
            yield from _records(tree, f"{name}: game {number}", variations)
        except DataError as error:
            if refused is None:
                raise
            refused(error)


def _records(tree: Tree, where: str, variations: bool) -> Iterator[GameRecord]:
    for line, leaf in enumerate(tree.leaves if variations else tree.leaves[:1], 1):
        yield record_of(tree.path(leaf), where if line == 1 else f"{where}, line {line}")


def record_of(nodes: list[Node], where: str) -> GameRecord:
    """The game of a path of nodes. Raises DataError, which names `where` and the move."""
    root = nodes[0]
    place, moves, comments = where, list[Move](), list[str]()
    board, first = dict[int, int](), None
    try:
        size = _size(root)
        komi = komi_of(root["KM"][0], size) if _said(root, "KM") else None
        for node in nodes:
            if is_move(node):
                place = f"{where}, move {len(moves) + 1}"
                moves.append(_move(node, size))
                comments.append(plain(node.get("C", [""])[0]))
            elif not moves:
                first = _player(node["PL"][0]) if "PL" in node else first
            _set_up(node, size, board, len(moves))
        place = where
        _require_handicap(root, board, moves)
    except DataError as error:
        raise DataError(error.what, where=place, fix=error.fix or _FIX) from None
    return GameRecord(
        size=size,
        moves=tuple(moves),
        komi=komi,
        black=tuple(sorted(point for point, player in board.items() if player == BLACK)),
        white=tuple(sorted(point for point, player in board.items() if player == WHITE)),
        first=first,
        result=_said(root, "RE"),
        players=(_said(root, "PB"), _said(root, "PW")),
        ranks=(_said(root, "BR"), _said(root, "WR")),
        date=_said(root, "DT"),
        rules=_said(root, "RU"),
        comments=tuple(comments) if any(comments) else (),
        where=where,
    )


def _said(node: Node, name: str) -> str:
    """A value on one line; nothing where there is none."""
    return simple(node.get(name, [""])[0])


def _size(root: Node) -> int:
    """Lines of the board. Raises DataError for another game than Go, and for a board that is not played on."""
    if (kind := _said(root, "GM")) not in ("", "1"):
        raise DataError(f"this is another game than Go (GM[{kind[:20]}])", fix="Leave it out")
    said = _said(root, "SZ") or "19"
    columns, _, rows = said.partition(":")
    if not columns.isdecimal() or (rows and rows != columns) or not LEAST <= int(columns[:4]) <= MOST:
        what = f"a board of size {said[:20]}"
        raise DataError(what, fix=f"Boards are squares of {LEAST} to {MOST} lines: leave this game out")
    return int(columns)


def _move(node: Node, size: int) -> Move:
    """The move of a node. Raises DataError for two, and for one that is not on the board."""
    made = [(player, value) for player, name in enumerate("BW") for value in node.get(name, [])]
    if len(made) > 1:
        raise DataError("there are two moves in one node")
    player, value = made[0]
    return Move(player, action(value, size))


def _set_up(node: Node, size: int, board: dict[int, int], moves: int) -> None:
    """Put stones on the board, or take them off. Raises DataError between moves, and for two on a point."""
    placed = [(name, points(node[name], size)) for name in ("AB", "AW", "AE") if name in node]
    if placed and moves:
        raise DataError(f"stones are set up after {counted(moves, 'move')}, as in a lecture or an edited game")
    seen = set[int]()
    for name, found in placed:
        if twice := seen.intersection(found):
            raise DataError(f"[{written(min(twice), size)}] is set up twice in one node")
        seen.update(found)
        for place in found:
            board.pop(place, None)
            if name != "AE":
                board[place] = BLACK if name == "AB" else WHITE


def _player(value: str) -> int:
    """Who plays. Raises DataError for neither."""
    name = value.strip().upper()[:1]
    if name not in ("B", "W", "1", "2"):
        raise DataError(f"PL[{value[:20]}] is neither B nor W")
    return BLACK if name in ("B", "1") else WHITE


def _require_handicap(root: Node, board: dict[int, int], moves: list[Move]) -> None:
    """Raise DataError for a handicap of which no stone is on the board, though White moves first; for a long game."""
    said = _said(root, "HA")
    if said and not said.isdecimal():
        raise DataError(f"HA[{said[:20]}] is no number of stones")
    if said and int(said[:4]) > 1 and not board and moves and moves[0].player == WHITE:
        raise DataError(
            f"HA[{said}] tells of a handicap, but no stone is set up (AB)", fix="Add the stones as AB[..][..]"
        )
    if len(moves) > MOST_MOVES:
        raise DataError(f"the game has {len(moves):,} moves, more than {MOST_MOVES:,}", fix="Leave this game out")


# ---- writing


def save(path: Path, records: Iterable[GameRecord]) -> None:
    """Write games as a file of SGF, in place of what is there. Raises RunError where it cannot be written."""
    write(path, "".join(sgf(record) for record in records))


def sgf(record: GameRecord) -> str:
    """A game as SGF (FF[4], UTF-8), which `games` reads back as the same record."""
    size = record.size
    facts = {
        "FF": "4",
        "GM": "1",
        "CA": "UTF-8",
        "AP": "sounding",
        "SZ": str(size),
        "KM": "" if record.komi is None else f"{record.komi:g}",
        "HA": str(record.handicap or ""),
        "PB": record.players[BLACK],
        "PW": record.players[WHITE],
        "BR": record.ranks[BLACK],
        "WR": record.ranks[WHITE],
        "DT": record.date,
        "RU": record.rules,
        "RE": record.result,
        "PL": "" if record.first is None else "BW"[record.first],
    }
    root = "".join(f"{name}[{escaped(value)}]" for name, value in facts.items() if value)
    for name, stones in (("AB", record.black), ("AW", record.white)):
        root += name * bool(stones) + "".join(f"[{written(place, size)}]" for place in stones)
    comments = record.comments or ("",) * len(record.moves)
    nodes = [
        f";{'BW'[move.player]}[{written(move.action, size)}]" + (f"C[{escaped(comment)}]" if comment else "")
        for move, comment in zip(record.moves, comments, strict=True)
    ]
    lines = ["".join(nodes[at : at + _A_LINE]) for at in range(0, len(nodes), _A_LINE)]
    return "\n".join([f"(;{root}", *lines]) + ")\n"
