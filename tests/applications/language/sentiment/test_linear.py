"""The linear models of text classification against scikit-learn."""

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from sounding.applications.language.sentiment.counts import Counts
from sounding.applications.language.sentiment.linear import LinearBaseline, TfIdf
from sounding.applications.language.sentiment.logistic import STRENGTH, Sparse, fitted
from sounding.modalities.text.specials import NAMES
from sounding.modalities.text.spelling import SpeltText

TEXTS = [
    "this film was dull dull dull",
    "this film was moving and kind",
    "dull and slow",
    "kind faces and slow music",
    "where was the music",
    "where are those faces",
]
ANSWERS = ["bad", "good", "bad", "good", "question", "question"]
CLASSES = ["bad", "good", "question"]
TRUTH = torch.eye(3)[[CLASSES.index(answer) for answer in ANSWERS]]
NEW = ["slow dull music", "where was this unknown film"]


def dense(x: Sparse, features: int) -> np.ndarray:
    found = np.zeros((len(x.starts), features))
    ends = [*x.starts[1:].tolist(), len(x.places)]
    for row, (start, end) in enumerate(zip(x.starts.tolist(), ends, strict=True)):
        found[row, x.places[start:end]] = x.values[start:end]
    return found


def test_features_are_those_of_scikit_learn():
    ours = TfIdf(TEXTS)
    pairs = {"ngram_range": (1, 2), "tokenizer": str.split, "token_pattern": None}
    letters = {"ngram_range": (3, 5), "analyzer": "char_wb"}
    for vocabulary, words in zip(ours.vocabularies, (pairs, letters), strict=True):
        theirs = TfidfVectorizer(sublinear_tf=True, **words)
        expected = theirs.fit_transform(TEXTS).toarray()
        assert vocabulary.keys() == theirs.vocabulary_.keys()
        columns = [vocabulary[name] for name in theirs.get_feature_names_out()]
        np.testing.assert_allclose(dense(ours.training, len(ours))[:, columns], expected, atol=1e-6)
        np.testing.assert_allclose(dense(ours(NEW), len(ours))[:, columns], theirs.transform(NEW).toarray(), atol=1e-6)


def test_the_baseline_is_scikit_learns_logistic_regression():
    ours = LinearBaseline(TEXTS, TRUTH)
    x, new = (dense(some, len(ours.features)) for some in (ours.features.training, ours.features(NEW)))
    theirs = LogisticRegression(C=STRENGTH, max_iter=1000, tol=1e-8).fit(x, ANSWERS)
    np.testing.assert_allclose(ours.logits(NEW).softmax(dim=1).numpy(), theirs.predict_proba(new), atol=2e-3)


def test_a_text_of_nothing_known_gets_the_intercepts():
    ours = LinearBaseline(TEXTS, TRUTH)
    expected = ours.model.intercepts.softmax(dim=0).numpy()
    np.testing.assert_allclose(ours.logits(["", "δοκιμή"]).softmax(dim=1).numpy(), [expected, expected], atol=1e-6)


def test_the_linear_member_adds_up_what_its_words_say():
    text = SpeltText("words", lower=True)
    text.fit(TEXTS)
    counts = Counts(len(text.tokenizer), len(CLASSES))
    counts.fit([text.encode(TEXTS[:4]), text.encode(TEXTS[4:])], TRUTH, len(NAMES))
    x = text.encode(TEXTS)
    found = counts(x).sum(dim=1) + counts.intercepts
    assert [CLASSES[k] for k in found.argmax(dim=1)] == ANSWERS
    places, values = counts.places(x), counts.values(counts.places(x))
    matrix = np.zeros((len(TEXTS), len(counts.idf)))
    for row in range(len(TEXTS)):
        np.add.at(matrix[row], places[row].flatten().numpy(), values[row].flatten().numpy())
    theirs = LogisticRegression(C=STRENGTH, max_iter=1000, tol=1e-8).fit(matrix, TRUTH.argmax(dim=1).numpy())
    np.testing.assert_allclose(found.softmax(dim=1).numpy(), theirs.predict_proba(matrix), atol=2e-3)
    halves = values.split([2, values.shape[2] - 2], dim=2)
    for half in halves:  # words and letters weigh the same
        torch.testing.assert_close(half.square().sum(dim=(1, 2)), torch.ones(len(TEXTS)))


def test_several_labels_are_as_many_models_of_scikit_learn():
    y = torch.tensor([[1, 0], [0, 1], [1, 0], [0, 1], [1, 1], [1, 0]]).float()
    ours = LinearBaseline(TEXTS, y, several=True)
    x, new = (dense(some, len(ours.features)) for some in (ours.features.training, ours.features(NEW)))
    found = ours.logits(NEW).sigmoid().numpy()
    for label in range(2):
        theirs = LogisticRegression(C=STRENGTH, max_iter=1000, tol=1e-8).fit(x, y[:, label])
        np.testing.assert_allclose(found[:, label], theirs.predict_proba(new)[:, 1], atol=2e-3)


def test_texts_that_are_told_the_same_answer_need_no_weights():
    x = Sparse(torch.tensor([0, 1, 0]), torch.ones(3), torch.tensor([0, 1, 2]))
    found = fitted(x, torch.tensor([[1.0, 0.0]] * 3), 2)
    assert found.logits(x).argmax(dim=1).tolist() == [0, 0, 0]
    assert torch.isfinite(found.weights).all()
