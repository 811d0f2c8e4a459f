"""What several applications of language share.

token_metrics.py   how well tokens are told    sayings.py   small documents for demonstrations
"""
