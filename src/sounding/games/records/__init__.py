"""Games as people keep them: SGF files and strings of moves, read into records and written from them.

grammar.py   SGF's text as trees of nodes, which know no game
text.py      what is in a value: escapes, encodings, points
sgf.py       files of games: reading and writing
record.py    one game: board, komi, stones set up, moves, result; played again under the rules
pgn.py       chess in files;  chess_record.py  one game of it
"""
