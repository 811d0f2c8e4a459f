"""A training that is watched: a page, live, while a model is trained.

course.py   what is known of the training so far; one thread writes it, others read
looks.py    what is seen of the model now and again, for no more than a hundredth of the time
page.py     the page and its addresses, served from a thread until the training ends
"""

from sounding.serve.watching.page import watching

__all__ = ["watching"]
