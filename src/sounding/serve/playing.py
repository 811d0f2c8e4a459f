"""The address that plays: a game as its moves, what may be played now, and the answer of the model with its thoughts.

Nothing is kept between requests: whoever plays sends all moves of the game each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response

from sounding.games.game import Game
from sounding.games.session import Session
from sounding.games.thinking import Strength, Thinker, Thought
from sounding.modalities.boards.drawing import LETTERS
from sounding.serve.answers import answered
from sounding.serve.posted import JSON, Asked, json_object
from sounding.serve.predicting import MODEL
from sounding.serve.refusals import Refusal
from sounding.serve.service import Service
from sounding.serve.settings import Limits

SECONDS = 10.0
"""That are thought about a move at most, whatever the strength."""
SHOWN = 5
"""Moves of a thought that are told, the best first."""
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "properties": {
                        "model": MODEL,
                        "moves": {"type": "array", "items": {"type": "string"}, "description": "From the beginning."},
                        "answer": {"type": "boolean", "default": False, "description": "Whether the model moves."},
                        "think": {"type": "boolean", "default": False, "description": "Whether it tells its thoughts."},
                        "strength": {"type": "integer", "default": 5, "description": "1 to 10, or simulations."},
                        "rating": {
                            "type": "integer",
                            "description": "Of a player to play like, where ratings are known.",
                        },
                        "seed": {"type": "integer", "description": "The same choices again, where it is weak."},
                        "size": {"type": "integer", "description": "Lines of a board that has several sizes."},
                        "komi": {"type": "number", "description": "Points for the second player."},
                    },
                }
            }
        },
    }
}


@dataclass(frozen=True)
class Turn:
    """What a request asks of a game."""

    moves: tuple[str, ...]
    answer: bool
    think: bool
    strength: Strength
    seed: int | None


def router(service: Service) -> APIRouter:
    """The address that plays."""
    found = APIRouter(tags=["games"])

    @found.post("/v1/play", summary="A position, its legal moves, and the model's move.", openapi_extra=BODY)
    async def play(request: Request) -> Response:
        from sounding.runs.playing import game_of  # torch comes with it, which exported models do without

        words = await json_object(request, service.settings.limits)
        asked = Asked(words=words)
        loaded, size = await service.load(asked.word("model", str, "")), asked.word("size", int, None)
        thinker = await service.thinker(loaded, size)
        game = game_of(thinker, size=size, komi=asked.word("komi", float, None))
        turn = _turn(asked, thinker, service.settings.limits)
        found = await service.queue.compute(lambda: _played(thinker, game, turn))
        return answered({"look": getattr(loaded.model.task.input, "look", "squares"), **found})

    return found


def _turn(asked: Asked, thinker: Thinker, limits: Limits) -> Turn:
    moves = asked.word("moves", list, [])
    if not all(isinstance(move, str) for move in moves):
        raise Refusal(400, "the moves are no list of strings", 'Such as: ["D4", "E5"]')
    if len(moves) > limits.moves:
        raise Refusal(413, f"{len(moves):,} moves were sent, and at most {limits.moves:,} are replayed")
    strength = _strength(asked, thinker)
    if strength.simulations > limits.simulations and asked.word("strength", int, 5) > len(thinker.levels):
        raise Refusal(400, f"{strength.simulations:,} simulations are too many", f"Give {limits.simulations:,} or less")
    seed = asked.word("seed", int, None)
    return Turn(tuple(moves), asked.word("answer", bool, False), asked.word("think", bool, False), strength, seed)


def _strength(asked: Asked, thinker: Thinker) -> Strength:
    rating = asked.word("rating", int, None)
    if rating is not None:
        return thinker.rated(rating)
    return Strength.named(str(asked.word("strength", int, 5)), thinker.levels)


def _played(thinker: Thinker, game: Game, turn: Turn) -> dict[str, Any]:
    """The game after the moves, and after the model's, where it is to move."""
    session = _replayed(game, turn.moves)
    thought, answer = None, None
    if (turn.answer or turn.think) and not session.over:
        limit = turn.strength.limit(SECONDS)
        found = thinker.think(game, session.position, limit)
        thought = {"unit": thinker.unit, **_told(game, session.position, found)}
        if turn.answer:
            action = turn.strength.choose(found, np.random.default_rng(None if turn.seed is None else abs(turn.seed)))
            answer = game.text(action, session.position[0])
            session.play(action)
    return {**_state(session), "answer": answer, "thought": thought}


def _replayed(game: Game, moves: Sequence[str]) -> Session:
    """The game after these moves. Raises Refusal, naming the move, for one that is illegal."""
    session = Session(game)
    for number, move in enumerate(moves, start=1):
        try:
            if session.over:
                raise ValueError("the game is over")
            session.play(game.action(move, session.position[0]))
        except ValueError as error:
            what = str(error).replace(" in position 0", "")
            raise Refusal(400, f"move {number} ({move[:20]}): {what}", "Play one of the legal moves") from None
    return session


def _state(session: Session) -> dict[str, Any]:
    """What stands on the board, whose turn it is, and what may be played."""
    game, position = session.game, session.position
    legal = [] if session.over else np.flatnonzero(game.legal(position)[0]).tolist()
    rows = game.signs(position[0])
    return {
        "game": game.name,
        "rows": rows,
        "columns": LETTERS[: len(rows[0])],
        "moves": _texts(session),
        "legal": [game.text(action, position[0]) for action in legal],
        "to_play": session.to_play,
        "over": session.over,
        "result": session.result if session.over else None,
    }


def _texts(session: Session) -> list[str]:
    """The moves as people write them."""
    replay, found = Session(session.game), []
    for move in session.moves:
        found.append(session.game.text(move.action, replay.position[0]))
        replay.play(move.action)
    return found


def _told(game: Game, position: np.ndarray, thought: Thought) -> dict[str, Any]:
    """A thought in words, from the view of the player to move."""
    return {
        "player": int(game.to_play(position)[0]),
        "win_rate": thought.win_rate,
        "lead": thought.lead,
        "simulations": thought.simulations,
        "depth": thought.depth,
        "ownership": thought.ownership,
        "candidates": [
            {
                "move": game.text(move.action, position[0]),
                "visits": move.visits,
                "prior": move.prior,
                "win_rate": move.win_rate,
                "centipawns": move.centipawns,
                "mate": move.mate,
                "line": _line(game, position, move.line),
            }
            for move in thought.candidates[:SHOWN]
        ],
    }


def _line(game: Game, position: np.ndarray, actions: Sequence[int]) -> list[str]:
    """The moves of a line from a position."""
    session, found = Session(game, position), []
    for action in actions[:8]:
        found.append(game.text(action, session.position[0]))
        session.play(action)
    return found
