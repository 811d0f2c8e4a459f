"""How a model that gives probabilities to next tokens writes a text. The rooms know no task and no tokenizer.

decoder.py         what is the same for all that goes on with texts
stepped.py         an exported network that goes on with texts, in numpy; step_graphs.py: such a network, in torch
language_model.py  language models; single_step.py: one more token of each text, in as few operations as it takes
source_decoder.py  nets that read one text and write another
sampling.py        which of the next tokens is taken
constraints.py     what a text may not be: too short, or one that repeats itself
timestamps.py      texts that tell when they were said
attention_times.py  when each token was said, by where attention looked
generation.py      token after token, for a batch of prompts, until each is done
beam.py            the best of many texts, several beginnings of which are followed at a time
ngrams.py          next tokens from counts of the tokens before them
ctc.py             the text that the frames of a recording say, alone or with a language model
"""
