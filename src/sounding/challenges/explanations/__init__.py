"""Which parts of an input carry an answer, and whether that can be believed.

explanation.py    the methods, and one answer explained
gradients.py  gradcam.py  shapley.py      how each finds its weights
faithfulness.py   what an explanation foretells, beyond coins
explained_rows.py  which rows are explained, and how they are shown
time_budget.py     which methods there is time for, and on how many rows
probes.py         linear probes, which ask layers for concepts
site_layers.py    what layers give at each site of an input
"""
