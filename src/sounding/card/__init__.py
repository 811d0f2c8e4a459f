"""The model card: made of measurements, read by people (card.html), hubs (card.md) and programs (card.json).

card.py      calls the measurements one after the other; keeps, saves and reads them
data.py      the section on the rows that the model saw
quality.py   the section on how good it is
wording.py   how a number, an interval and a table are put into words
html.py      card.html, one self-contained page        markdown.py   card.md, with metadata for the hub
"""
