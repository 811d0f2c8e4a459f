"""The names of MinAtar's games (Young and Tian 2019, arXiv 1903.03176), known without the package."""

from __future__ import annotations

MINATAR_GAMES = {
    "Asterix": "asterix",
    "Breakout": "breakout",
    "Freeway": "freeway",
    "Seaquest": "seaquest",
    "SpaceInvaders": "space_invaders",
}
USUAL = "-v1"
"""The version of a name that tells none."""
MINATAR_IDS = tuple(f"MinAtar/{game}-{version}" for game in MINATAR_GAMES for version in ("v0", "v1"))
