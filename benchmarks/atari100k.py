"""Atari games from 100,000 steps (Kaiser et al. 2020): scores as shares of what a person has, beside published ones.

    OMP_NUM_THREADS=1 python benchmarks/atari100k.py --out runs/atari100k
    OMP_NUM_THREADS=1 python benchmarks/atari100k.py Pong Breakout --seeds 0 1 2 --out runs/atari100k

Each game and seed is a training by Rainbow with its defaults, which are the protocol, and a trial of `--episodes` with
the likeliest actions. A share of 0 is random play and of 1 a person's. The interquartile mean over all games and seeds
has a stratified bootstrap interval (Agarwal et al. 2021). A run that is there is tried again, or resumed.

The four games that are tried by default were chosen ahead of any training: of the 26 of the protocol, in the order of
what DER reached of a person's score, each one is in the middle of a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from common import heads, options, row, spent, trained

from sounding.environments.agent import episodes
from sounding.evaluation.interquartile import stratified
from sounding.machine.metering.cost import Cost
from sounding.machine.setting import prepare, processor


class Published(NamedTuple):
    """The scores of random play and of a person (Mnih et al. 2015), and of DER (van Hasselt et al. 2019)."""

    random: float
    person: float
    der: float

    def share(self, score: float) -> float:
        """Of what a person has beyond random play."""
        return (score - self.random) / (self.person - self.random)


GAMES: Mapping[str, Published] = {
    "Alien": Published(227.8, 7127.7, 739.9),
    "Amidar": Published(5.8, 1719.5, 188.6),
    "Assault": Published(222.4, 742.0, 431.2),
    "Asterix": Published(210.0, 8503.3, 470.8),
    "BankHeist": Published(14.2, 753.1, 51.0),
    "BattleZone": Published(2360.0, 37187.5, 10124.6),
    "Boxing": Published(0.1, 12.1, 0.2),
    "Breakout": Published(1.7, 30.5, 1.9),
    "ChopperCommand": Published(811.0, 7387.8, 861.8),
    "CrazyClimber": Published(10780.5, 35829.4, 16185.3),
    "DemonAttack": Published(152.1, 1971.0, 508.0),
    "Freeway": Published(0.0, 29.6, 27.9),
    "Frostbite": Published(65.2, 4334.7, 866.8),
    "Gopher": Published(257.6, 2412.5, 349.5),
    "Hero": Published(1027.0, 30826.4, 6857.0),
    "Jamesbond": Published(29.0, 302.8, 301.6),
    "Kangaroo": Published(52.0, 3035.0, 779.3),
    "Krull": Published(1598.0, 2665.5, 2851.5),
    "KungFuMaster": Published(258.5, 22736.3, 14346.1),
    "MsPacman": Published(307.3, 6951.6, 1204.1),
    "Pong": Published(-20.7, 14.6, -19.3),
    "PrivateEye": Published(24.9, 69571.3, 97.8),
    "Qbert": Published(163.9, 13455.0, 1152.9),
    "RoadRunner": Published(11.5, 7845.0, 9600.0),
    "Seaquest": Published(68.4, 42054.7, 354.1),
    "UpNDown": Published(533.4, 11693.2, 2877.4),
}
CHOSEN = ("Boxing", "Alien", "UpNDown", "Freeway")


def main() -> None:
    """Train, try and print a table in Markdown."""
    parser = options(__doc__, "runs/atari100k")
    parser.add_argument("games", nargs="*", default=CHOSEN, metavar="GAME", help=f"by default {', '.join(CHOSEN)}")
    parser.add_argument("--episodes", type=int, default=100, help="of each trial")
    asked = parser.parse_args()
    if unknown := set(asked.games) - set(GAMES):
        parser.error(f"{', '.join(sorted(unknown))} is not among the 26 games of the protocol: {', '.join(GAMES)}")
    settings = {"learner": "rainbow", **dict(pair.split("=", 1) for pair in asked.settings)}
    prepare()
    print(processor()[0])
    print(heads("game", "seed", "score", "share", "DER", "its share", "minutes", "of the processor"), flush=True)
    shares = np.zeros((len(asked.seeds), len(asked.games)))
    for column, game in enumerate(asked.games):
        known = GAMES[game]
        for line, seed in enumerate(asked.seeds):
            model = trained("arcade", f"ALE/{game}-v5", asked.out / f"{game}-{seed}", seed=seed, **settings)
            played = episodes(model.agent, asked.episodes, seed=1_000_000 + seed, n=min(25, asked.episodes))
            score = float(np.mean([each.score for each in played]))
            shares[line, column] = share = known.share(score)
            cost = Cost.from_json(spent(model))
            der = f"{known.der:,g}", f"{known.share(known.der):.3f}"
            times = f"{cost.seconds / 60:.0f}", f"{cost.cpu_seconds / 60:.0f}"
            print(row(game, seed, f"{score:,.1f}", f"{share:.3f}", *der, *times), flush=True)
    ours = stratified(shares)
    theirs = stratified(np.array([[GAMES[game].share(GAMES[game].der) for game in asked.games]]))
    spread = "" if ours.low is None else f" [{ours.low:.3f}, {ours.high:.3f}]"
    kind = "Interquartile mean" if shares.size > 3 else "Mean"  # of fewer nothing is left out
    print(f"\n{kind} of the shares: {ours.value:.3f}{spread}; DER's of these games {theirs.value:.3f}")


if __name__ == "__main__":
    main()
