"""Translation: a text in another language.

task.py          the application
texts.py         what is read and what is written
languages.py     which language is which: directions, and pairs that look wrong
chrf.py          character n-gram F-score
bleu.py          BLEU, and the words that it counts
fidelity.py      lengths, words, copies, texts without an end
memory.py        the most similar training text's translation, which stands beside the model on its card
"""
