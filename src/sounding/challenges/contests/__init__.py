"""Games for two, played otherwise than in the usual matches; parts of the sections on robustness, shift,
calibration and energy.

symmetries.py    does the move turn with the board, under all its symmetries?
rehearsals.py    an opponent that tries its games out before it plays them
conditions.py    other openings, other rules
expectations.py  does it get the points that it expects?
affordable.py    how many of these games there is time for
moves.py         joules of a move and of a game that was learnt from; Elo against games and energy
"""
