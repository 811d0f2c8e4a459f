"""Text generation: how a text goes on.

task.py      the application
passages.py  texts as windows of tokens, and as answers
writing.py   tokens to text while it is written, stop strings
ngrams.py    counts of tokens in a row, which stand beside the model on its card
"""
