"""Networks that know no task: shapes in, shapes out.

activations.py   activation functions by name, and the gain of initial weights ahead of each
layers.py        the layers that the networks share, and how their weights begin
mlp.py           the multi-layer perceptron
cnn.py           convolutional networks: the ResNet family, and FastNet for small pictures
"""
