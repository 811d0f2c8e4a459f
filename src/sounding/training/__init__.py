"""The one training loop, what it is fed with, the optimizers, the checkpoints."""
