"""How a model that gives probabilities to next tokens writes a text. The rooms know no task and no tokenizer.

decoder.py      what decoding asks of a model, and language models as such a thing
single_step.py  one more token of each text, in as few operations as it takes
sampling.py     which of the next tokens is taken
generation.py   token after token, for a batch of prompts, until each is done
"""
