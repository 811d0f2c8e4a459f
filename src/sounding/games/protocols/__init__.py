"""How programs talk about games: the Go Text Protocol (GTP 2) and the Universal Chess Interface (UCI), as servers and
towards other engines.

framing.py      lines into requests, answers with their blank line, input that is read while something is thought
gtp.py          the server: requests in, answers out, analysis until the next line comes
commands.py     what is understood of any game;  go_commands.py  what Go has beside: komi, handicap, score, SGF
analysis.py     what lz-analyze and kata-analyze are asked, and their lines
clock.py        how long a move may be thought about
program.py      another program, as a process that is told lines and says lines
engine.py       one that speaks GTP;  engine_mover.py  as a mover;  uci_engine.py  one that speaks UCI

uci.py          the server of UCI: commands, and input that is read while something is thought
uci_board.py    the position that is set up;  uci_go.py  what go asks;  uci_search.py  the search that comes of it
uci_info.py     what was found, in lines;  uci_options.py  options
uci_mover.py    another program of chess as a player of matches
"""
