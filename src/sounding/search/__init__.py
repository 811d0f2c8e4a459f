"""Tree search for every game of two players, with an evaluator of positions. The rooms know no rules and no network.

evaluator.py  what a search asks of a network; a memory of what it said; no knowledge at all
tree.py       positions and numbers of many trees, and what every search does to them
walks.py      the numbers of the trees, and what a leaf's value changes in them, compiled
gumbel.py     few simulations in many games at a time: for self-play; gumbel_walks.py: which leaf is next
puct.py       many simulations in one game: for playing and analysis; puct_walks.py: which leaves are next
"""
