"""The model card: made of measurements, read by people (card.html), hubs (card.md) and programs (card.json).

sections.py    the challenges, found by walking their folder           contents.py   header and sections, as JSON
measuring.py   measures them one after the other; parts.py keeps what is finished, foretelling.py says how long it takes
card.py        the card with its files: html.py, markdown.py, spdx.py write them, storage.py puts them in place
method.py      the notes on method, made of all the others             siblings.py   runs of other seeds
trade_offs.py  several runs side by side
printing.py    how a number, an interval and a table are put into words; pictures.py draws the small pictures
"""
