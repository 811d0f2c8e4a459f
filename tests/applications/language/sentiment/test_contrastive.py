"""Learning by contrast against its paper's formula, and the layer that is fitted to an encoder's vectors."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from sounding.applications.language.sentiment.contrastive import TEMPERATURE, contrast
from sounding.applications.language.sentiment.network import STRENGTH, TransformerClassifier
from sounding.architectures.transformer import TransformerConfig


def written_out(vectors, classes, views):
    """Equation 2 of arXiv 2004.11362, term by term."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    texts, found = len(vectors) // views, []
    for i in range(len(unit)):
        others = [a for a in range(len(unit)) if a != i]
        friends = [p for p in others if classes[p % texts] == classes[i % texts]]
        total = sum(np.exp(unit[i] @ unit[a] / TEMPERATURE) for a in others)
        nats = [-np.log(np.exp(unit[i] @ unit[p] / TEMPERATURE) / total) for p in friends]
        found.append(np.mean(nats) if nats else 0.0)
    return np.reshape(found, (views, texts)).mean(axis=0)


@pytest.mark.parametrize("views", [1, 2])
def test_the_contrast_is_that_of_the_paper(views):
    classes = [0, 1, 0, 2, 1]  # the class 2 has one text: with one view it counts nothing
    vectors = torch.from_numpy(np.random.default_rng(0).normal(size=(5 * views, 8)))
    y = torch.eye(3)[classes].repeat(views, 1)
    np.testing.assert_allclose(contrast(vectors, y, views), written_out(vectors.numpy(), classes, views), atol=1e-5)


def test_texts_of_a_class_come_together():
    torch.manual_seed(0)
    vectors, y = torch.randn(12, 4, requires_grad=True), torch.eye(3)[torch.arange(12) % 3]
    steps = torch.optim.Adam([vectors], 0.05)
    for _ in range(200):
        steps.zero_grad()
        contrast(vectors, y, 1).mean().backward()
        steps.step()
    unit = torch.nn.functional.normalize(vectors.detach(), dim=1)
    alike, friends = unit @ unit.T, y @ y.T > 0
    assert alike[friends].min() > alike[~friends].max()


def test_what_is_fitted_is_scikit_learns_logistic_regression_whatever_the_scale():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, 60)
    features = rng.normal(size=(60, 8)) + 2.0 * np.eye(8)[classes] + 5.0
    net = TransformerClassifier(TransformerConfig(10, width=8, layers=1, heads=2), 3, 0.0).eval()
    centred = features - features.mean(axis=0)
    expected = LogisticRegression(C=STRENGTH, max_iter=1000, tol=1e-8)
    expected.fit(centred / np.sqrt((centred**2).sum(axis=1).mean()), classes)
    for scale in (1.0, 30.0):
        given = torch.from_numpy(scale * features).float()
        net.fit(given, torch.eye(3)[classes])
        found = net.answered(given)[:, 0].softmax(dim=1).detach().numpy()
        np.testing.assert_allclose(
            found, expected.predict_proba(centred / np.sqrt((centred**2).sum(axis=1).mean())), atol=5e-3
        )
