"""Text generation: how a text goes on.

task.py        the application
passages.py    texts as windows of tokens, and as answers
continuing.py  token after token, by a run or an exported network
writing.py     tokens to text while it is written, stop strings
"""
