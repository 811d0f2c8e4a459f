"""Go: the rules on boards of 5 to 19 lines. `Go` is all that others need.

layout        a position as bytes, and its parts
board         stones, chains, captures, liberties on one board
turns         what is legal, and what a move changes
scoring       whose the points are
observation   what a network is given
rules         Go: all of it as a Game
"""

from sounding.games.go.rules import Go

__all__ = ["Go"]
