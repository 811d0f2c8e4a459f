"""The model card: made of measurements, read by people (card.html), hubs (card.md) and programs (card.json).

sections.py    which sections there are, and what measures each        contents.py   header and sections, as JSON
measuring.py   measures them one after the other; parts.py keeps what is finished, forecast.py says how long it takes
card.py        the card with its files: html.py, markdown.py, spdx.py write them, storage.py puts them in place
use.py data.py quality.py seeds.py precisions.py method.py             sections that are measured here
trade_offs.py  several runs side by side; contest.py measures them
wording.py     how a number, an interval and a table are put into words; pictures.py draws the small pictures
"""
