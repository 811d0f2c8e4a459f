"""Several labels at once: how cells are read, and what becomes of them."""

import numpy as np
import pytest
import torch

from sounding.errors import DataError
from sounding.modalities.labels import Labels


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("sport|politics", ("politics", "sport")),
        ("sport | sport|", ("sport",)),
        ('["sport", "new|old"]', ("new|old", "sport")),
        (["b", "a"], ("a", "b")),
        (np.array(["b"]), ("b",)),
        (3, ("3",)),
        ("", ()),
        ("[]", ()),
        (None, ()),
    ],
)
def test_cells_of_every_kind_are_read(cell, value):
    labels = Labels()
    assert labels.accepts(cell) or cell == ""
    assert labels.read(cell) == value


@pytest.mark.parametrize("cell", ['["sport"', [["a"]], '{"a": 1}x|[', [None]])
def test_what_is_no_list_of_labels_is_refused(cell):
    labels = Labels()
    if cell == '{"a": 1}x|[':
        assert labels.read(cell) == ("[", '{"a": 1}x')  # odd names are names
        return
    with pytest.raises(DataError):
        labels.read(cell)


def test_values_are_encoded_described_and_come_back():
    labels = Labels()
    labels.fit([("b", "c"), (), ("a",)])
    torch.testing.assert_close(labels.encode([("a", "c"), ()]), torch.tensor([[1.0, 0, 1], [0, 0, 0]]))
    with pytest.raises(DataError, match="'d'"):
        labels.encode([("d",)])
    other = Labels()
    other.restore(labels.state())
    assert other.names == ["a", "b", "c"]
    assert labels.unseen_class(("a", "d")) == "no training row has the label 'd'"
    assert (labels.describe(("a", "c")), labels.describe(())) == ("a, c", "none")
    answers = labels.answers(("c",), 0.9, np.array([0.1, 0.2, 0.9]))
    assert [answer["label"] for answer in answers] == ["c", "b", "a"]
    assert labels.fields(("c",), None)["labels"]() == ["c"]


def test_without_any_label_there_is_nothing_to_learn():
    with pytest.raises(DataError, match="no label"):
        Labels().fit([(), ()])
