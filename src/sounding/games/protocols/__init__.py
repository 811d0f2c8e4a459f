"""How programs talk about games: the Go Text Protocol (GTP 2), as a server and towards other engines.

framing.py      lines into requests, answers with their blank line, input that is read while something is thought
gtp.py          the server: requests in, answers out, analysis until the next line comes
commands.py     what is understood of any game;  go_commands.py  what Go has beside: komi, handicap, score, SGF
analysis.py     what lz-analyze and kata-analyze are asked, and their lines
clock.py        how long a move may be thought about
program.py      another program, as a process that is told lines and says lines
engine.py       one that speaks GTP;  engine_mover.py  as a mover;  uci_engine.py  one that speaks UCI
"""
