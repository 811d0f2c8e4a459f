"""Boards: positions of games as inputs; a move, and what is expected of the game, as an answer."""
