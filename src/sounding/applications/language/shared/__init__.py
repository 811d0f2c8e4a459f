"""What several applications of language share.

begun.py           the net that a training begins with
rewriting.py       what reads one text and writes another: its loss, and its answers
writing.py         the search for an answer, in numpy    stand_in.py   exported networks in the place of a net
rewriters.py       its recipe and its nets
rewritten.py       the texts of that, read and written    alignment.py   what was looked at for each word
behaviours.py      what becomes of an answer when a full stop, a number or a name is another
fidelity.py        whether numbers and names are the same in both
token_metrics.py   how well tokens are told    sayings.py   small documents for demonstrations
"""
