"""What several applications of language share.

begun.py           the net that a training begins with
token_metrics.py   how well tokens are told    sayings.py   small documents for demonstrations
"""
