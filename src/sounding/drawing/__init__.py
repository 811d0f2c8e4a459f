"""Drawings: values, answers and explanations as shapes on a sheet, which become SVG for pages and pixels for files.

shapes.py     rectangles, lines, discs, words, pictures; a sheet of them
colours.py    colours that everybody can tell apart; weights as red and blue
svg.py        a sheet as one <svg> element
raster.py     a sheet as a picture
labels.py     names of things, where they can be read
words.py      what of words can be written, and how wide they are
rendering.py  what `Modality.render` gives: a sheet, and the same for a terminal
gallery.py    examples with their titles, each drawn once or several times
table.py      several of these side by side, or beneath one another
spans.py      segments in a line, coloured by their weights: words, letters, whatever has no shape of its own

Nothing here knows a modality. No shape acts or is fetched, and all words are escaped.
"""
