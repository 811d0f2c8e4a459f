"""Text classification, with what serves it alone.

task.py          the application
answers.py       what logits answer: one class, or several labels       classes.py   how unevenly classes are spread
network.py       word vectors, networks that look at them, and the mean of what they say; an encoder that answers
contrastive.py   how an encoder learns from few rows
counts.py        a linear model as a member                             logistic.py  how linear models are fitted
linear.py        the model that stands beside the trained one           reviews.py   generated reviews
"""
