"""Agents on environments: the score that each training ends with, as a table in Markdown.

    python benchmarks/arcade.py CartPole-v1 --time 50s --seeds 0 1 2
    python benchmarks/arcade.py Pendulum-v1 --time 14m --episodes 100

Each seed is a training of its own, one after the other. A row holds the interquartile mean of all episodes of a trial
over the seeds with its interval (Agarwal et al. 2021: of each seed its mean score is one run, and the seeds are drawn
again), the scores of the single seeds, the steps of the environment, how many there were a second, with the learning,
and the joules of a million frames. `--rliable FILE` writes the scores as rliable reads them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import sounding as sd
from sounding.environments.agent import episodes
from sounding.evaluation.interquartile import for_rliable, stratified
from sounding.machine.metering.cost import Cost


@dataclass(frozen=True)
class Trained:
    """One training: the scores of the trial's episodes, the steps of the environment, what it took."""

    scores: list[float]
    steps: int
    seconds: float
    joules_per_million: float

    @property
    def score(self) -> float:
        """The mean of the trial."""
        return float(np.mean(self.scores))


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environments", nargs="+")
    parser.add_argument("--time", default="50s", help="of each training")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--episodes", type=int, default=100, help="of each trial, which no training has seen")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="of the recipe")
    parser.add_argument("--rliable", type=Path, help="a file for the scores (.json)")
    asked = parser.parse_args()
    settings = dict(word.split("=", 1) for word in asked.set)
    print("| environment | learner | seeds | score (IQM) | single seeds | steps | steps/s | J per million frames |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    scores: dict[str, list[float]] = {}
    for name in asked.environments:
        learner, found = "", []
        for seed in asked.seeds:
            learner, trained = train(name, asked.time, seed, asked.episodes, settings)
            found.append(trained)
        scores[name] = [each.score for each in found]
        print(row(name, learner, found), flush=True)
    if asked.rliable:
        tables = for_rliable({"sounding": scores})
        asked.rliable.write_text(json.dumps({name: table.tolist() for name, table in tables.items()}))


def train(name: str, time: str, seed: int, count: int, settings: dict[str, str]) -> tuple[str, Trained]:
    """The learner, and a training with its trial: episodes of seeds that neither training nor validation has."""
    with tempfile.TemporaryDirectory() as folder:
        run = sd.train("arcade", name, time=time, seed=seed, out=Path(folder) / "run", card=None, **settings)
        facts = json.loads((Path(folder) / "run" / "training.json").read_text())
        played = episodes(run.agent, count, seed=1_000_000 + seed, n=count)
    cost, course = Cost.from_json(facts), run.task.course
    frames = course.steps * run.agent.spec.skip
    joules = cost.joules.value / frames * 1e6
    learner = str(getattr(run.task.recipe, "learner", ""))
    return learner, Trained([each.score for each in played], course.steps, cost.seconds, joules)


def row(name: str, learner: str, found: list[Trained]) -> str:
    """A line of the table."""
    mean = stratified(np.array([[each.score] for each in found]))
    spread = "" if mean.low is None else f" [{mean.low:.1f}, {mean.high:.1f}]"
    steps = sum(each.steps for each in found)
    rate = steps / sum(each.seconds for each in found)
    joules = np.mean([each.joules_per_million for each in found])
    single = ", ".join(f"{each.score:.1f}" for each in found)
    cells = [f"{mean.value:.1f}{spread}", single, f"{steps / len(found):,.0f}", f"{rate:,.0f}", f"{joules:,.0f}"]
    return f"| {name} | {learner} | {len(found)} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
