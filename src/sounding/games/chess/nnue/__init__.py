"""An efficiently updatable network (NNUE, Y. Nasu 2018) that says how good a position of chess is.

features        what is seen of a position, from either side
network         the weights, in whole numbers; read, written, made from those of a training
accumulators    the first layer, kept from move to move; the rest computed. Compiled
"""
