"""Screens and numbers that an agent sees: read, masked by patches, disturbed, drawn, and back from tensors."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from sounding.contract.inputs import Attributable, Continuous, Corruptible
from sounding.environments import Observation
from sounding.errors import DataError, UsageError
from sounding.modalities.frames import Frames
from sounding.modalities.frames.shifting import shifted
from sounding.modalities.vectors import Vector

SCREENS = Frames(Observation("frames", (4, 84, 84), 0.0, 255.0, stack=4))
COLOURS = Frames(Observation("frames", (6, 40, 60), 0.0, 255.0, stack=2))
GRID = Frames(Observation("frames", (5, 10, 10), 0.0, 1.0))
NUMBERS = Vector(4, ("place", "speed", "angle", "turn"))


def example(kind: Frames | Vector, rng: np.random.Generator) -> np.ndarray:
    if isinstance(kind, Vector):
        return rng.normal(size=4).astype(np.float32)
    high = int(kind.observation.high)
    return rng.integers(0, high + 1, kind.observation.shape, np.uint8)


@pytest.fixture(params=[SCREENS, COLOURS, GRID, NUMBERS], ids=["screens", "colours", "grid", "numbers"])
def kind(request):
    fitted = request.param
    fitted.fit(example(fitted, np.random.default_rng(k)) for k in range(20))
    return fitted


def test_what_was_encoded_is_decoded(kind):
    values = [kind.read(example(kind, np.random.default_rng(k))) for k in range(3)]
    x = Continuous.of(kind).encode(values)
    assert x.dtype == torch.float32
    for value, back in zip(values, kind.decode(x), strict=True):
        assert np.allclose(value, back, atol=1e-3)
    low, high = kind.value_range
    assert low <= float(x.min()) <= float(x.max()) <= high


def test_each_part_that_is_taken_away_is_gone_and_all_others_stay(kind):
    value = kind.read(example(kind, np.random.default_rng(9)))
    count = Attributable.of(kind).segments(value)
    for baseline in kind.baselines:
        assert np.array_equal(kind.mask(value, np.ones(count, bool), baseline), value)
        changed = np.zeros(value.shape, int)
        for part in range(count):
            masked = kind.mask(value, np.arange(count) != part, baseline)
            assert masked.shape == value.shape
            changed += masked != value
        assert changed.max() == 1  # parts do not overlap
        assert (changed > 0).mean() > 0.9  # and cover all; few stay by chance


def test_two_baselines_differ(kind):
    value = kind.read(example(kind, np.random.default_rng(3)))
    none = np.zeros(kind.segments(value), bool)
    first, second = (kind.mask(value, none, baseline) for baseline in kind.baselines)
    assert not np.array_equal(first, second)
    with pytest.raises(UsageError, match="no baseline"):
        kind.mask(value, none, "meen")


def test_saliency_is_summed_over_the_parts_that_are_masked(kind):
    value = kind.read(example(kind, np.random.default_rng(4)))
    saliency = torch.from_numpy(np.random.default_rng(5).normal(size=value.shape))
    summed = kind.aggregate(saliency, value)
    assert np.isclose(summed.sum(), float(saliency.sum()))
    for part in (0, kind.segments(value) - 1):
        gone = kind.mask(np.zeros_like(value), np.arange(len(summed)) != part, kind.baselines[0]) != 0
        if gone.any():
            assert np.isclose(summed[part], float(saliency[torch.from_numpy(gone)].sum()))


def test_corruptions_get_worse_and_stay_in_range(kind):
    value = kind.read(example(kind, np.random.default_rng(6)))
    for name, corrupt in Corruptible.of(kind).corruptions.items():
        far = []
        for severity in (1, 5):
            found = [corrupt(value, severity, np.random.default_rng(k)) for k in range(20)]
            assert all(np.array_equal(kind.read(each), each) for each in found)
            far.append(np.mean([np.abs(each.astype(float) - value).mean() for each in found]))
        assert far[0] < far[1], name


def test_the_latest_screen_is_never_lost():
    value = SCREENS.read(example(SCREENS, np.random.default_rng(7)))
    lost = [SCREENS.corruptions["lost screens"](value, 5, np.random.default_rng(k)) for k in range(30)]
    assert all(np.array_equal(each[-1], value[-1]) for each in lost)
    assert any(not each[0].any() for each in lost)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_drawn(kind, tmp_path, weighted):
    value = kind.read(example(kind, np.random.default_rng(8)))
    weights = np.linspace(-1, 1, kind.segments(value)) if weighted else None
    drawing = kind.render(value, weights)
    for ending in ("svg", "png"):
        drawing.save(tmp_path / f"drawn.{ending}")
    assert drawing.text
    assert drawing.image().size[0] > 100


@pytest.mark.parametrize(
    ("kind", "cell", "said"),
    [
        (SCREENS, np.zeros((4, 84, 83), np.uint8), "shape (4, 84, 84)"),
        (SCREENS, np.full((4, 84, 84), 300.0), "out of range"),
        (GRID, np.full((5, 10, 10), np.nan), "out of range"),
        (SCREENS, "nothing.npy", "no array can be read"),
        (SCREENS, 7, "int is no screen"),
        (NUMBERS, "1 2 3", "3 numbers are given"),
        (NUMBERS, "1 2 3 x", "no numbers"),
        (NUMBERS, [1, 2, 3, float("inf")], "not finite"),
    ],
)
def test_what_is_none_is_refused(kind, cell, said):
    with pytest.raises(DataError) as caught:
        kind.read(cell)
    assert said in str(caught.value)
    assert caught.value.fix


def test_a_screen_is_read_from_its_file_and_numbers_from_text(tmp_path):
    value = example(GRID, np.random.default_rng(1))
    np.save(tmp_path / "screen.npy", value)
    assert np.array_equal(GRID.read("screen.npy", tmp_path), value)
    assert NUMBERS.read("0.5, -1 2e3, 4").tolist() == [0.5, -1, 2000, 4]


def test_what_was_learnt_is_written_and_taken_up(kind):
    again = Vector(4, NUMBERS.names) if isinstance(kind, Vector) else Frames(kind.observation)
    again.restore(json.loads(json.dumps(kind.state())))
    value = kind.read(example(kind, np.random.default_rng(2)))
    none = np.zeros(kind.segments(value), bool)
    assert np.array_equal(kind.mask(value, none, "mean"), again.mask(value, none, "mean"))


def test_shifted_screens_are_the_same_moved():
    """Each is found again where its own padded copy is cut by hand."""
    x = torch.rand(8, 2, 12, 10)
    moved = shifted(x, torch.Generator().manual_seed(0), 2)
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge")
    found = set()
    for k in range(8):
        places = [
            (row, column)
            for row in range(5)
            for column in range(5)
            if np.array_equal(padded[k, :, row : row + 12, column : column + 10], moved[k].numpy())
        ]
        assert len(places) == 1
        found.update(places)
    assert len(found) > 3
