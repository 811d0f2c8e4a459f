"""Summarization: a document in few words.

task.py        the application
documents.py   documents, and what is read of those that are too long
summaries.py   summaries: one or several true ones; the sentences that one was drawn from
writing.py     how a summary is written
rouge.py       n-grams that answer and truth share
faithful.py    what n-grams do not tell: words of its own, numbers and names that the document has not, length
irrelevant.py  whether something is taken from a sentence that does not belong there
sentences.py   extractive baselines: the first sentences, the most central ones
notices.py     documents for demonstrations
"""
