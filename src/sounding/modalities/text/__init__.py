"""Text: tokenizers, words and sentences, and what may happen to them.

text.py        the kind of input or answer
tokenizer.py   text to ids and back; kinds.py trains each kind of tokenizer, specials.py knows the special tokens
pairs.py       the two tokenizers of published translators; sentencepiece.py reads the files of theirs
known_words.py which words some texts have, in little room
words.py       where words and sentences begin and end
"""
