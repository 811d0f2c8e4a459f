"""What can be proven and not only tried: the share of rows that no small change of the input can turn.

An attack that fails proves nothing; a certificate holds against every attack inside its radius. It is not of the model
itself but of the *smoothed* model, which answers as the majority of the model's answers under noise (`smoothing`), and
it is a lower bound. A row counts at radius r when that majority is right and proven to stay so up to r.

Legend of shapes: S noise levels, n rows.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from sounding.challenges.disturbances.smoothing import (
    ALPHA,
    FIRST,
    NOBODY,
    batch_size,
    election,
    leader,
    radius,
    winners,
)
from sounding.challenges.passes import frozen
from sounding.contract.evidence import Bound, Estimate, Figure, Kind, Number
from sounding.contract.inputs import Continuous
from sounding.evaluation import plots
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured, Unasked
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.evaluation.evaluation import same
from sounding.evaluation.intervals import proportion
from sounding.randomness import generator

WHAT_IT_TAKES = "it takes a thousand noisy copies of each row; run sounding card RUN --standard or --full"
RADII = (0.0, 0.25, 0.5)
SAID = 0.25
"""The noise level that the sentence is about, set beforehand: the best of several would be flattered by chance."""
"""In units of the encoded input; pictures are encoded in [0, 1]."""
LEAST = 20
"""Rows that are looked at even where the time would not allow them; draws are cut then."""
FEWEST_DRAWS = 200
"""With fewer draws even a vote without dissent proves less than 1.83 σ."""
FIRST_SHARE = 0.5
"""Of the time, at most, for first votes."""
POINTS = 33  # of the curve in the picture
_HOW_IT_GROWS = (
    "A network trained without noise usually certifies little; training under noise (smoothed training) is what makes "
    "certificates large."
)


@dataclass(frozen=True)
class Plan:
    """How much is measured: rows, draws for each (N), noise levels σ, and the seconds that it may take."""

    rows: int
    draws: int
    sigmas: tuple[float, ...]
    seconds: float


PLANS: Mapping[Profile, Plan | None] = {
    "quick": None,
    "standard": Plan(50, 1_000, (0.25,), 45.0),
    "full": Plan(200, 10_000, (0.12, 0.25, 0.5), 600.0),
}


@dataclass(frozen=True)
class Certified:
    """What was proven of n rows: `right` [S, n] first votes, `radii` [S, n] (0: not proven), `clean` [n] right
    without noise.

    `draws` is the N behind each radius, `asked` what the plan asked for in rows and draws, `rate` how many noisy copies
    were judged a second.
    """

    sigmas: tuple[float, ...]
    right: np.ndarray
    radii: np.ndarray
    clean: np.ndarray
    groups: list[str]
    draws: int
    asked: tuple[int, int]
    rate: float

    def at(self, level: int, r: float, seed: int = 0) -> Estimate:
        """The share of rows that are right and proven up to `r` under noise number `level`."""
        return proportion((self.radii[level] > 0) & (self.radii[level] >= r), self.groups, seed)


class Certificate(Challenge[Plan]):
    """Certified accuracy of the smoothed model at each noise level and radius; not in the quick profile."""

    id, title, order = "certificate", "Certificate", 80
    plans = PLANS
    unplanned = WHAT_IT_TAKES

    def needs(self, context: EvaluationContext) -> str:
        """An input that noise can be added to, and answers that can be counted as votes."""
        if not isinstance(context.task.input, Continuous):
            return (
                "randomised smoothing adds Gaussian noise, which this kind of input cannot take: it is not continuous"
            )
        if not context.task.target.classes:
            return "the answers are no finite list: noisy answers cannot be counted as votes"
        return ""

    def seconds(self, context: EvaluationContext) -> float:
        """A pass for each noisy copy."""
        plan = self.plan(context)
        copies = min(plan.rows, len(context.test)) * plan.draws * len(plan.sigmas)
        return min(plan.seconds, copies * context.row_seconds)

    def measure(self, context: EvaluationContext) -> Findings:
        """First votes, long votes, and what they prove."""
        return _findings(context, certify(context, self.plan(context)))


# ---- measuring


def certify(context: EvaluationContext, plan: Plan) -> Certified:
    """First votes of the rows, then the long votes of those whose first votes were right.

    Rows whose first votes are wrong cannot count, so the time goes to the others. The speed is measured first, and
    rows (then draws) are cut to what the seconds of the plan allow; which rows are kept is chance. Raises NotMeasured
    where even the fewest would take too long.
    """
    task, levels = context.task, len(plan.sigmas)
    order = context.rng("certificate").permutation(len(context.test))[: plan.rows]
    rate = _speed(context, task.encoded(context.model, [context.test[int(order[0])].input]).float())
    least, passes = min(LEAST, len(order)), plan.seconds * rate
    if passes < least * levels * (FIRST + FEWEST_DRAWS):
        slow = f"a noisy copy of a row takes {1 / rate:.2g} s here, and {least} rows do not fit into {plan.seconds:g} s"
        raise NotMeasured(Unasked(slow))
    started = time.perf_counter()
    rows = [context.test[int(i)] for i in order[: max(least, int(FIRST_SHARE * passes / (levels * FIRST)))]]
    xs = [task.encoded(context.model, [row.input]).float() for row in rows]
    truths = np.array([_place(row.target, task.target.classes or ()) for row in rows])
    firsts = [[leader(_vote(context, x, s, FIRST, i)) for i, x in enumerate(xs)] for s in plan.sigmas]
    right = (np.array(firsts) == truths) & (truths != NOBODY)
    spent = time.perf_counter() - started
    rate = len(rows) * levels * FIRST / spent  # over more passes than at first, so nearer to the truth
    n, draws = _within((plan.seconds - spent) * rate, right, plan.draws, least)
    radii = _radii(context, plan.sigmas, xs, truths, right[:, :n], draws)
    with frozen(context.model), torch.no_grad():
        answers = np.array([int(winners(task, context.model, x)[0]) for x in xs[:n]])
    clean = (answers == truths[:n]) & (truths[:n] != NOBODY)  # no answer to an unknown truth is not a right one
    groups = [row.group for row in rows[:n]]
    return Certified(plan.sigmas, right[:, :n], radii, clean, groups, draws, (len(order), plan.draws), rate)


def _radii(
    context: EvaluationContext,
    sigmas: Sequence[float],
    xs: Sequence[Tensor],
    truths: np.ndarray,
    right: np.ndarray,
    draws: int,
) -> np.ndarray:
    """[S, n]: what the long votes prove where the first votes were `right` [S, n]; elsewhere 0."""
    radii = np.zeros(right.shape)
    for level, i in zip(*np.nonzero(right), strict=True):
        votes = _vote(context, xs[i], sigmas[level], draws, int(i), "long")
        radii[level, i] = radius(int(votes[truths[i]]), draws, sigmas[level])
    return radii


def _vote(
    context: EvaluationContext, x: Tensor, sigma: float, draws: int, row: int, which: str = "first"
) -> np.ndarray:
    rng = generator("certificate", context.seed, sigma, row, which)
    return election(context.task, context.model, x, sigma, draws, rng)


def _speed(context: EvaluationContext, x: Tensor) -> float:
    """Noisy copies judged a second, by one batch after another that warms up."""
    size = batch_size(context.task)
    _vote(context, x, 0.25, size, 0, "warm up")
    started = time.perf_counter()
    _vote(context, x, 0.25, size, 0, "speed")
    return size / max(time.perf_counter() - started, 1e-9)


def _within(passes: float, right: np.ndarray, draws: int, least: int) -> tuple[int, int]:
    """How many of the rows, and how many draws for each, fit into `passes`, when `right` [S, n] of them are drawn."""
    n = right.shape[1]
    votes = max(float(right.sum()) / n, 1e-9)  # long votes that a row costs on average
    rows = min(n, int(max(0.0, passes) / (votes * draws)))
    if rows >= least:
        return rows, draws
    return least, min(draws, max(FEWEST_DRAWS, int(passes / (votes * least))))


def _place(truth: object, options: Sequence[object]) -> int:
    """The place of the truth among the options, or NOBODY: a truth that no training row had can never be certified."""
    return next((i for i, option in enumerate(options) if same(option, truth)), NOBODY)


# ---- the section


def _findings(context: EvaluationContext, found: Certified) -> Findings:
    seed = context.seed
    numbers = [n for level in range(len(found.sigmas)) for n in _numbers(context, found, level)]
    clean = proportion(found.clean, found.groups, seed)
    meaning = "share of the same rows that the model itself gets right, without noise"
    numbers.append(_number(context, "clean", "clean accuracy on the same rows", clean, meaning))
    xs = np.linspace(0, max(float(found.radii.max()), RADII[-1]), POINTS)
    curves = {f"σ {s:g}": [found.at(i, float(r), seed) for r in xs] for i, s in enumerate(found.sigmas)}
    caption = "Share of rows whose answer is right and proven up to each radius (L2); bands are 95 % over rows."
    picture = plots.curve(xs.tolist(), curves, "radius", "certified accuracy", reference={"clean": clean.value})
    details = {
        "rows": len(found.clean),
        "draws_for_each_row": found.draws,
        "first_votes": FIRST,
        "alpha_for_each_row": ALPHA,
        "noisy_copies_a_second": round(found.rate, 1),
        "clean_on_these_rows": asdict(clean),
        "notes": _notes(found),
    }
    sentence = _sentence(found, clean, seed)
    return Findings(sentence, tuple(numbers), (Figure("certificate_radius", caption, picture),), details)


def _numbers(context: EvaluationContext, found: Certified, level: int) -> list[Number]:
    sigma, seed = found.sigmas[level], context.seed
    key = f"{sigma:g}".replace(".", "_")
    how = f"{found.draws:,} draws a row (N), α = {ALPHA:g} for each row, noise of σ = {sigma:g}"
    numbers = []
    for r in RADII:
        meaning = (
            f"share of rows whose majority under noise is right and provably stays so for every change of the encoded "
            f"input of L2 norm below {r:g}; a lower bound on what the smoothed model keeps; {how}"
        )
        if not r:
            meaning = f"share of rows whose majority under noise is right and proven; a lower bound; {how}"
        name = f"certified accuracy at radius {r:g} (σ {sigma:g})"
        id = f"certified_s{key}_r{f'{r:g}'.replace('.', '_')}"
        numbers.append(_number(context, id, name, found.at(level, r, seed), meaning, "bound", Bound.LOWER))
    open = proportion(found.right[level] & (found.radii[level] == 0), found.groups, seed)
    meaning = f"share of rows whose first {FIRST} votes are right but whose majority could not be proven; {how}"
    numbers.append(_number(context, f"abstained_s{key}", f"abstentions (σ {sigma:g})", open, meaning))
    return numbers


def _number(
    context: EvaluationContext,
    id: str,
    name: str,
    found: Estimate,
    meaning: str,
    kind: Kind = "measured",
    bound: Bound = Bound.NONE,
) -> Number:
    return Number(id, name, found, meaning, kind=kind, seed=context.seed, bound=bound)


def _sentence(found: Certified, clean: Estimate, seed: int) -> str:
    level = found.sigmas.index(SAID) if SAID in found.sigmas else 0
    at, sigma = [found.at(level, r, seed) for r in RADII], found.sigmas[level]
    return (
        f"Of {len(found.clean)} rows, at least {at[1]} are answered rightly by the majority under noise of "
        f"σ {sigma:g} and provably stay so for every change of L2 norm below {RADII[1]:g}; below {RADII[2]:g} it is "
        f"{at[2]}, and with no change {at[0]}. Without noise the model is right on {clean}. The proof is of the "
        f"majority under noise, not of a single answer of the model (N = {found.draws:,} draws a row, α = {ALPHA:g}). "
        f"{_HOW_IT_GROWS}"
    )


def _notes(found: Certified) -> list[str]:
    notes = ["Each noise level makes a smoothed model of its own: certificates of two levels do not add up."]
    n, (rows, draws) = len(found.clean), found.asked
    if n < rows:
        notes.append(f"Only {n} of {rows} rows were looked at: more would not fit into the time.")
    if found.draws < draws:
        notes.append(f"Only {found.draws:,} of {draws:,} draws a row were made, for the same reason; more prove more.")
    return notes
