"""Linear probes: does what a layer gives at a site tell a class, by nothing more than a weighted sum?

A probe is a logistic regression over standardised numbers, with a small penalty, fitted to as many sites of each class.
It is judged by its balanced accuracy, the mean over classes of the share that it gets right: chance is one divided by
the number of classes, however rare a class is.

Legend of shapes: n sites, D numbers of a layer, K classes, G clusters.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

PENALTY = 1e-3
STEPS = 40


def answers(fit: np.ndarray, labels: np.ndarray, test: np.ndarray, k: int) -> np.ndarray:
    """[m]: the class of each test site [m, D], by a probe fitted to sites [n, D] with `labels` [n] from 0 to K − 1."""
    mean, spread = fit.mean(axis=0), fit.std(axis=0)
    spread = np.where(spread > 1e-6, spread, 1.0)
    with torch.inference_mode(False), torch.enable_grad():
        x = torch.from_numpy(((fit - mean) / spread).astype(np.float32))
        y = torch.from_numpy(labels.astype(np.int64))
        share = torch.bincount(y, minlength=k).clamp(min=1)
        weight = len(y) / (k * share.float())
        table, bias = torch.zeros(k, x.shape[1], requires_grad=True), torch.zeros(k, requires_grad=True)
        optimizer = torch.optim.LBFGS([table, bias], max_iter=STEPS, history_size=10, line_search_fn="strong_wolfe")

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            losses = F.cross_entropy(F.linear(x, table, bias), y, reduction="none") * weight[y]
            loss = losses.mean() + PENALTY * (table**2).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        seen = torch.from_numpy(((test - mean) / spread).astype(np.float32))
        return F.linear(seen, table, bias).detach().argmax(dim=1).numpy()


def tallied(labels: np.ndarray, said: np.ndarray, clusters: np.ndarray, k: int) -> np.ndarray:
    """[G, K, 2]: for each of G clusters of sites (`clusters` [n] numbers them) how many there are of each class, and
    how many of them were told.
    """
    count = int(clusters.max(initial=-1)) + 1
    places = clusters * k + labels
    sides = [np.bincount(places, weights, count * k) for weights in (None, said == labels)]
    return np.stack(sides, axis=1).reshape(count, k, 2).astype(float)


def balanced_accuracy(tallies: np.ndarray) -> float:
    """The mean over classes of the share of right answers, of tallies [G, K, 2]; what is not there has no part."""
    sizes, hits = tallies.sum(axis=0).T
    there = sizes > 0
    return float((hits[there] / sizes[there]).mean())


def balanced(labels: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of at most so many sites of each class, drawn without replacement, in their order."""
    drawn = [rng.permutation(np.flatnonzero(labels == k))[:most] for k in range(labels.max(initial=-1) + 1)]
    return np.sort(np.concatenate(drawn)) if drawn else np.zeros(0, np.int64)
