"""Whether a network says the same of a board however it lies: under all its symmetries at a time.

The behaviour check of the same section turns a board once; here each is seen in all ways, which also tells how far the
expected points move. Positions that something forbids to turn with the stones (superko) are left out.

Legend of shapes: N positions, S symmetries, A actions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from sounding.contract.contest import Contest
from sounding.contract.evidence import Number
from sounding.contract.metrics import SHARE, mean
from sounding.contract.records import Example
from sounding.evaluation.challenge import Findings
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.intervals import bootstrap, proportion


def under_symmetries(context: EvaluationContext, contest: Contest, rows: int) -> Findings:
    """How alike the answers to the images of a position are; nothing for a board that looks one way only."""
    count = len(contest.game.symmetries)
    if count < 2:
        return Findings("")
    examples = context.sample(rows, "symmetries")
    kept, moves, points = _seen(contest, examples)
    if not len(kept):
        return Findings("")
    groups = [examples[i].group for i in kept]
    alike = moves[:, 1:] == moves[:, :1]
    seed, on = context.seed, f"{len(kept)} positions under all {count} symmetries of the board"
    share = bootstrap(alike.mean(axis=1), mean, groups, seed, bounds=SHARE)
    every = proportion(alike.all(axis=1).astype(float), groups, seed)
    spread = bootstrap(np.ptp(points, axis=1), mean, groups, seed, bounds=SHARE)
    numbers = (
        Number(
            "symmetry_agreement",
            "agreement under symmetries",
            share,
            f"share of the images of a position whose best move is the turned one; {on}",
            seed=seed,
        ),
        Number(
            "symmetry_all",
            "the same move under all symmetries",
            every,
            f"share of positions whose best move is the same in all images; {on}",
            seed=seed,
        ),
        Number(
            "symmetry_spread",
            "spread of expected points under symmetries",
            spread,
            f"largest less smallest expected points of an image (a win is 1), mean; {on}",
            seed=seed,
        ),
    )
    sentence = (
        f"A board may lie in {count} ways: the best move turns with it in {share} of the other ones, in all of them at "
        f"{every} of the positions; expected points spread over {spread}."
    )
    return Findings(sentence, numbers)


def _seen(contest: Contest, examples: Sequence[Example]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which examples turn with all that belongs to them; their best moves [N, S], turned back, and points [N, S]."""
    game = contest.game
    positions = np.array([example.input for example in examples], game.dtype)
    observed, legal = game.observe(positions), game.legal(positions)
    kept = np.ones(len(positions), bool)
    moves, points = [], []
    for symmetry, goes in enumerate(game.symmetries):
        turned = game.turned(positions, symmetry) if symmetry else positions
        expected = game.flip(observed, np.full(len(positions), symmetry))
        same = np.isclose(game.observe(turned), expected).reshape(len(positions), -1).all(axis=1)
        there = game.legal(turned)
        kept &= same & (there[:, goes] == legal).all(axis=1)
        with torch.inference_mode():
            policy, worth = contest.judge(turned)
        moves.append(np.where(there, policy, -np.inf)[:, goes].argmax(axis=1))
        points.append(worth)
    rows = np.flatnonzero(kept)
    return rows, np.stack(moves, axis=1)[rows], np.stack(points, axis=1)[rows]
