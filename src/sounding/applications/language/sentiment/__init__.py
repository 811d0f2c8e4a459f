"""Text classification, with what serves it alone.

task.py       the application
network.py    word vectors, networks that look at them, and the mean of what they say
linear.py     the model that stands beside the trained one: TF-IDF and logistic regression
"""
