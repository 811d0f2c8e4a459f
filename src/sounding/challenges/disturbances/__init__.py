"""What disturbs an input, by chance and on purpose, and what withstands it.

under_corruption.py     mishaps at five severities
lp_ball.py  goals.py  gradient_ascent.py  square.py     how attacks search; attacks.py is their front
ensemble.py       all attacks one after the other         masking.py       could they see at all?
hardening.py      trainings that withstand                smoothing.py     votes over noisy copies: what is certain
copies.py         rows of a second set that were trained on
"""
