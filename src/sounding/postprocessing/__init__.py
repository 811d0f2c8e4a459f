"""From what a network gives to answers, in numpy: what an exported model does, and what its model.json says of it.

classes.py   one class of several, or any number of labels     boxes.py    the surest boxes
pixels.py    the class of each pixel                           tiling.py   large pictures, window by window
series.py    forecasts with intervals                          tokens.py   words that are missing
"""
