"""Speech recognition: what is said in a recording.

task.py        the application
network.py     spectrogram, encoder and the probabilities of units; how likely a transcript is
answers.py     from probabilities to words with times, of recordings of any length
words_said.py  the same by an exported network
errors.py      word and character error rates, and which words are right
babble.py      made-up speech for demonstrations
"""
