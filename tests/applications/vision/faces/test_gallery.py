"""Galleries: what is enrolled comes back, strangers are unknown, and the threshold pays for the number of people."""

import numpy as np
import pytest
import torch
from torch import nn

from sounding.applications.vision.faces import gallery as g
from sounding.errors import RunError, UsageError
from sounding.randomness import stream


def unit(rng, *shape):
    e = rng.normal(size=shape)
    return (e / np.linalg.norm(e, axis=-1, keepdims=True)).astype(np.float32)


class Model(nn.Module):
    TAIL, UNSET = (1e-4, 1e-3, 1e-2), 2.0

    def __init__(self, rate=0.01, threshold=0.3, tail=(2.0, 0.5, 0.3)):
        super().__init__()
        for name, value in (("rate", rate), ("threshold", threshold), ("tail", tail)):
            self.register_buffer(name, torch.tensor(value))


@pytest.fixture
def people():
    return unit(stream("people"), 5, 64)


def filled(people, rng):
    found = g.created("w")
    for i, centre in enumerate(people[:4]):
        photos = centre + 0.05 * rng.normal(size=(3, 64))
        photos = (photos / np.linalg.norm(photos, axis=1, keepdims=True)).astype(np.float32)
        found = g.enrolled(found, f"p{i}", photos, [f"{i}-{k}.jpg" for k in range(3)])
    return found


def test_the_enrolled_are_found_and_a_stranger_is_unknown(people):
    known = filled(people, stream("photos"))
    found = g.identified(known, people, g.Threshold(0.5, 0.01))
    assert [match.name for match in found] == ["p0", "p1", "p2", "p3", None]
    assert found[4].nearest in known.people


def test_a_score_is_the_mean_cosine_over_what_was_enrolled(people):
    known = filled(people, stream("photos"))
    probe = people[4]
    wanted = [np.mean([probe @ e for e, n in zip(known.embeddings, known.names) if n == name]) for name in known.people]
    np.testing.assert_allclose(known.scores(probe[None])[0], wanted, atol=1e-6)


def test_a_gallery_comes_back_from_its_folder(people, tmp_path):
    known = filled(people, stream("photos"))
    g.save(known, tmp_path / "gallery")
    again = g.opened(tmp_path / "gallery")
    assert (again.names, again.sources, again.weights) == (known.names, known.sources, known.weights)
    np.testing.assert_array_equal(again.embeddings, known.embeddings)
    assert {p.name for p in (tmp_path / "gallery").iterdir()} == {"gallery.json", "embeddings.safetensors"}


def test_enrolling_a_photo_again_replaces_it_and_under_another_name_is_refused(people):
    known = filled(people, stream("photos"))
    again = g.enrolled(known, "p1", people[4:], ["1-0.jpg"])
    assert len(again.embeddings) == len(known.embeddings)
    assert again.people == ["p0", "p1", "p2", "p3"] or set(again.people) == set(known.people)
    with pytest.raises(UsageError, match="enrolled as 'p1' already"):
        g.enrolled(known, "p2", people[4:], ["1-0.jpg"])


def test_a_person_can_be_removed(people):
    known = filled(people, stream("photos"))
    assert g.removed(known, "p2").people == ["p0", "p1", "p3"]
    with pytest.raises(UsageError, match="nobody called 'p9'"):
        g.removed(known, "p9")


def test_the_threshold_grows_with_the_gallery_and_says_what_it_can_hold():
    model, set_at = Model(), g.Threshold(0.3, 0.01)
    assert g.threshold(model, 1, set_at) == g.Threshold(pytest.approx(0.3), pytest.approx(0.01))
    ten = g.threshold(model, 10, set_at)
    assert (ten.value, ten.rate) == (pytest.approx(0.5), pytest.approx(0.01))
    many = g.threshold(model, 100, set_at)  # 1e-4 is not supported: 1e-3 for each of a hundred
    assert (many.value, many.rate) == (pytest.approx(0.5), pytest.approx(0.1))


def test_the_union_bound_holds_for_strangers():
    """Scores of independent comparisons: the share of strangers taken for anybody stays below what is said."""
    rng = stream("strangers")
    impostors = rng.normal(size=300_000) * 0.1
    tail = [float(np.quantile(impostors, 1 - rate)) for rate in Model.TAIL]
    at = g.threshold(Model(0.01, tail[2], tail), 50, g.Threshold(tail[2], 0.01))
    taken = (rng.normal(size=(20_000, 50)) * 0.1 >= at.value).any(1).mean()
    assert taken <= at.rate * 1.5
    assert (rng.normal(size=(20_000, 50)) * 0.1 >= tail[2]).any(1).mean() > 0.3  # the plain threshold would not do


def test_an_empty_gallery_a_damaged_one_and_another_models_are_refused(people, tmp_path):
    with pytest.raises(UsageError, match="nobody is enrolled"):
        g.identified(g.created("w"), people, g.Threshold(0.5, 0.01))
    with pytest.raises(UsageError, match="made with another model"):
        g.require_same(g.created("w"), "v", "here")
    with pytest.raises(RunError):
        g.opened(tmp_path)
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    assert g.digest(first) != g.digest(second)
    second.load_state_dict(first.state_dict())
    assert g.digest(first) == g.digest(second)
