"""Pictures as an input: working size, tensors, parts, fingerprints, augmentation."""

import json
from io import BytesIO

import matplotlib
import numpy as np
import PIL.Image
import pytest
import torch
from sklearn.datasets import load_digits

from sounding.contract.change import Successive, Unchanged
from sounding.contract.inputs import Explainable
from sounding.errors import DataError, UsageError
from sounding.modalities.pictures.changes import Moved
from sounding.modalities.pictures.image import Image
from sounding.randomness import generator

matplotlib.use("Agg")


def noise(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def fitted(side=32, channels=3, **options):
    image = Image(**options)
    image.fit([noise(side, side, channels, seed) for seed in range(4)])
    return image


@pytest.fixture(scope="module")
def digits():
    return [(digit * 15.9).astype(np.uint8)[..., None] for digit in load_digits().images]


# ---- fit


@pytest.mark.parametrize(
    ("sizes", "side"),
    [([(28, 28)] * 3, 28), ([(30, 90), (50, 40), (45, 60)], 40), ([(300, 400)] * 3, 64), ([(1, 1)], 1)],
)
def test_the_working_side_is_the_median_shorter_side_at_most_64(sizes, side):
    image = Image()
    image.fit(noise(*size) for size in sizes)
    assert (image.height, image.width, image.channels) == (side, side, 3)
    assert image.read(noise(100, 70)).shape == (side, side, 3)


def test_a_size_that_was_asked_for_is_kept():
    assert fitted(32, size=48).height == 48
    with pytest.raises(UsageError, match="crop"):
        Image(fill="crpo")
    with pytest.raises(UsageError):
        Image(size=-1)


def test_grey_only_if_all_pictures_are_grey():
    grey = np.repeat(noise(20, 20, 1), 3, axis=2)  # grey, though stored as colour
    image = Image()
    image.fit([grey, noise(20, 20, 1)])
    assert image.channels == 1
    assert image.read(grey).shape == (20, 20, 1)
    image.fit([grey, noise(20, 20, 3)])
    assert image.channels == 3
    assert np.array_equal(image.read(grey[..., :1]), grey)


def test_mean_and_deviation_are_those_of_all_pixels(digits):
    image = Image()
    image.fit(iter(digits))
    pixels = np.stack(digits) / 255
    assert image.channels == 1
    assert image.mean == pytest.approx([pixels.mean()], abs=1e-6)
    assert image.std == pytest.approx([pixels.std()], abs=1e-6)


def test_fit_streams_and_stops_after_the_sample():
    seen = []
    image = Image()
    image.fit(seen.append(i) or noise(8, 8) for i in range(5000))
    assert len(seen) == 2000
    with pytest.raises(DataError):
        Image().fit([])


def test_state_survives_json():
    image, other = fitted(20), Image()
    other.restore(json.loads(json.dumps(image.state())))
    assert other.state() == image.state()
    assert torch.equal(other.encode([noise(50, 30)]), image.encode([noise(50, 30)]))


@pytest.mark.parametrize("fill", ["crop", "stretch", "pad"])
def test_fills(fill):
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 200  # the middle third
    image = fitted(20, fill=fill)
    shown = image.read(wide)[..., 0]
    share = (shown > 100).mean()
    assert share == pytest.approx({"crop": 1, "stretch": 1 / 3, "pad": 1 / 9}[fill], abs=0.05)
    assert np.allclose(image.read(wide.astype(np.float32) / 255)[..., 0] * 255, shown, atol=2)


# ---- tensors


def test_encode_is_channels_first_in_zero_to_one():
    image = fitted(32)
    values = [noise(32, 32, seed=seed) for seed in range(3)]
    x = image.encode(values)
    assert (x.shape, x.dtype, x.is_contiguous()) == ((3, 3, 32, 32), torch.float32, True)
    assert torch.equal(x, torch.tensor(np.stack(values).transpose(0, 3, 1, 2) / 255, dtype=torch.float32))


def test_decode_is_the_exact_inverse():
    image = fitted(32)
    values = [noise(32, 32, seed=seed) for seed in range(3)]
    x = image.encode(values)
    back = image.decode(x)
    assert all(value.dtype == np.float32 and value.shape == (32, 32, 3) for value in back)
    assert torch.equal(image.encode(back), x)
    assert torch.equal(image.encode([values[0], *back[1:]]), x)  # bytes and fractions in one batch


def test_encode_takes_mixed_sizes_and_channels():
    x = fitted(24).encode([noise(24, 24), noise(99, 31, 1), noise(10, 50) / np.float32(255)])
    assert x.shape == (3, 3, 24, 24)
    assert x.min() >= 0
    assert x.max() <= 1
    assert fitted(24).encode([]).shape == (0, 3, 24, 24)


# ---- parts


@pytest.mark.parametrize(("side", "parts"), [(32, 64), (17, 64), (16, 64), (8, 16), (15, 16), (3, 9), (1, 1)])
def test_the_grid(side, parts):
    value = noise(side, side)
    image = Image()
    assert image.segments(value) == parts
    saliency = torch.ones(3, side, side)
    pooled = image.aggregate(saliency, value)
    assert pooled.shape == (parts,)
    assert pooled.min() > 0
    assert pooled.sum() == 3 * side * side


def test_pool_sums_each_patch():
    image, value = fitted(32), noise(32, 32)
    saliency = torch.randn(3, 32, 32, dtype=torch.float64, generator=generator("saliency"))
    expected = saliency.sum(0).reshape(8, 4, 8, 4).sum((1, 3)).flatten()
    assert np.allclose(image.aggregate(saliency, value), expected)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("baseline", Image.baselines)
def test_keeping_all_changes_nothing_and_keeping_none_leaves_nothing(kind, baseline):
    image = fitted(32)
    value = noise(32, 32) if kind == np.uint8 else image.decode(image.encode([noise(32, 32)]))[0]
    assert np.array_equal(image.mask(value, np.ones(64, bool), baseline), value)
    gone = image.mask(value, np.zeros(64, bool), baseline)
    assert gone.dtype == kind
    assert gone.astype(float).std() < 0.2 * value.astype(float).std()


def test_keep_shows_the_parts_of_the_mask_and_the_training_mean_elsewhere():
    image = Image()
    image.fit([np.full((32, 32, 3), shade, np.uint8) for shade in ((100, 0, 50), (200, 100, 150))])
    value = noise(32, 32)
    mask = np.zeros(64, bool)
    mask[9] = True  # second row of cells, second column: pixels 4 to 7 both ways
    kept = image.mask(value, mask, "mean")
    assert np.array_equal(kept[4:8, 4:8], value[4:8, 4:8])
    kept[4:8, 4:8] = (150, 50, 100)
    assert (kept == (150, 50, 100)).all()


def test_many_masks_at_once_are_the_same_as_one_by_one():
    image, value = fitted(32), noise(32, 32)
    masks = np.random.default_rng(0).random((20, 64)) < 0.5
    for baseline in image.baselines:
        together = image.mask_many(value, masks, baseline)
        apart = Explainable.mask_many(image, value, masks, baseline)
        assert all(np.array_equal(a, b) for a, b in zip(together, apart, strict=True))
    with pytest.raises(UsageError, match="blur"):
        image.mask(value, masks[0], "blurr")


# ---- near duplicates


def test_fingerprints_hold_near_copies_together():
    image = fitted(32)
    y, x = np.mgrid[0:32, 0:32] / 31
    for seed in range(5):
        rng = np.random.default_rng(seed)
        waves = [np.sin(rng.uniform(1, 6, 3) * y[..., None] + rng.uniform(1, 6, 3) * x[..., None]) for _ in range(3)]
        value = ((sum(waves) + 3) / 6 * 255).astype(np.uint8)
        file = BytesIO()
        PIL.Image.fromarray(value).save(file, "JPEG", quality=70)
        scaled = PIL.Image.fromarray(value).resize((40, 40), PIL.Image.Resampling.BICUBIC)
        own = image.fingerprint(value)
        assert own.dtype == np.float32
        for copy in (file.getvalue(), scaled):
            assert np.abs(image.fingerprint(image.read(copy)) - own).max() < 0.03
        assert np.abs(image.fingerprint(value[:, ::-1]) - own).max() > 0.03


def test_distinct_digits_do_not_collide(digits):
    image = Image()
    image.fit(digits)
    prints = np.stack([image.fingerprint(digit) for digit in digits[:600]])
    distances = np.abs(prints[:, None] - prints[None]).max(axis=2) + np.eye(600)
    assert distances.min() > 0.03


# ---- augmentation


def batch(n=64, channels=3, side=16):
    return torch.rand(n, channels, side, side, generator=generator("batch"))


ALL = {"crop": 3, "flip": True, "colour": 0.4, "cutout": 4}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("extra", [{}, {"mixup": 0.5}, {"cutmix": 1.0}, {"mixup": 0.2, "cutmix": 1.0}], ids=str)
def test_augment_keeps_shape_and_range_and_follows_its_generator(channels, extra):
    image, x = Image(), batch(channels=channels)
    before = x.clone()
    y, change = image.augment(x, generator("a"), **ALL, **extra)
    again, same = image.augment(x, generator("a"), **ALL, **extra)
    other, _ = image.augment(x, generator("b"), **ALL, **extra)
    assert torch.equal(x, before)
    assert y.shape == x.shape
    assert y.min() >= 0
    assert y.max() <= 1
    assert torch.equal(y, again)
    assert not torch.equal(y, other)
    assert isinstance(change, Successive if extra else Moved)
    if extra:
        moved, mixed = change.steps
        assert torch.equal(moved.affine, same.steps[0].affine)
        assert torch.equal(mixed.partner, same.steps[1].partner)
        assert torch.equal(mixed.share, same.steps[1].share)


def test_nothing_asked_nothing_changed():
    x = batch()
    y, change = Image().augment(x, generator("a"))
    assert torch.equal(x, y)
    assert isinstance(change, Unchanged)


def test_translation_is_a_mirrored_shift_of_every_picture_by_its_own():
    x = batch(n=200, side=12)
    y, _ = Image().augment(x, generator("a"), crop=2)
    padded = torch.nn.functional.pad(x, (2,) * 4, mode="reflect")
    shifts = {(i, j): padded[:, :, i : i + 12, j : j + 12] for i in range(5) for j in range(5)}
    found = [{key for key, z in shifts.items() if torch.equal(z[k], y[k])} for k in range(200)]
    assert all(found)
    assert len(set.union(*found)) == 25


def test_flip_mirrors_about_half():
    x = batch(n=400)
    y, _ = Image().augment(x, generator("a"), flip=True)
    flipped = sum(torch.equal(y[k], x[k].flip(-1)) for k in range(400))
    kept = sum(torch.equal(y[k], x[k]) for k in range(400))
    assert flipped + kept == 400
    assert 150 < flipped < 250


def test_colour_jitter_by_hand():
    x = (
        torch.rand(300, 3, 8, 8, generator=generator("x")) * 0.2 + 0.3
    )  # so far inside the range that nothing is clipped
    y, _ = Image().augment(x, generator("a"), colour=0.3)
    brightness = y.mean((1, 2, 3)) / x.mean((1, 2, 3))
    assert 0.69 < brightness.min() < 0.75
    assert 1.25 < brightness.max() < 1.31
    grey = x[:, :1].expand(-1, 3, -1, -1)
    tinted, _ = Image().augment(grey, generator("a"), colour=0.3)
    assert torch.allclose(tinted[:, 0], tinted[:, 2], atol=1e-6)  # grey has no saturation to change
    scale = tinted.std((1, 2, 3)) / grey.std((1, 2, 3))
    assert 0.49 < scale.min() < 0.65
    assert 1.45 < scale.max() < 1.69


def test_mixup_is_the_blend_that_it_says():
    x = batch(n=500)
    y, change = Image().augment(x, generator("a"), mixup=0.4)
    share = change.share[:, None, None, None]
    assert torch.allclose(y, share * x + (1 - share) * x[change.partner], atol=1e-6)
    assert sorted(change.partner.tolist()) == list(range(500))
    assert change.share.mean() == pytest.approx(0.5, abs=0.06)
    assert change.share.var() == pytest.approx(1 / (4 * (2 * 0.4 + 1)), abs=0.02)  # that of Beta(0.4, 0.4)


def test_cutmix_shares_are_the_true_pixel_shares():
    x = torch.arange(300.0)[:, None, None, None].expand(-1, 1, 16, 16) / 300  # each picture has a shade of its own
    y, change = Image().augment(x, generator("a"), cutmix=1.0)
    own = (y == x).float().mean(dim=(1, 2, 3))
    alone = change.partner == torch.arange(300)
    assert torch.allclose(own[~alone], change.share[~alone])
    assert 0.4 < change.share.mean() < 0.8
    assert torch.equal(torch.where(y == x, x, x[change.partner]), y)


def test_both_mixings_take_turns():
    x = batch(n=8)
    blended = 0
    for k in range(40):
        y, change = Image().augment(x, generator("turn", k), mixup=1.0, cutmix=1.0)
        share = change.share[:, None, None, None]
        blended += torch.allclose(y, share * x + (1 - share) * x[change.partner], atol=1e-6)
    assert 10 <= blended <= 30


def test_noise_is_gaussian_of_its_deviation_and_not_cut_off():
    x = torch.rand(4, 3, 64, 64)
    y, change = Image().augment(x, generator("a"), noise=0.25)
    assert isinstance(change, Unchanged)
    assert float((y - x).mean()) == pytest.approx(0, abs=0.01)
    assert float((y - x).std()) == pytest.approx(0.25, abs=0.01)
    assert float(y.min()) < 0
    assert float(y.max()) > 1


def test_cutout_takes_at_most_its_square():
    x = batch(n=100)
    y, _ = Image().augment(x, generator("a"), cutout=4)
    taken = (x != y).any(1).sum((1, 2))
    assert taken.max() == 16
    assert taken.min() >= 1


# ---- showing


def test_words_and_json():
    image = Image()
    assert image.describe(noise(20, 32)) == "32×20 colour picture"
    assert image.describe(noise(20, 32, 1)) == "32×20 grey picture"
    assert json.dumps(image.to_json(noise(20, 32))) == '{"height": 20, "width": 32, "channels": 3}'
    assert image.to_json("a/b.png") == "a/b.png"
    assert image.to_json({"bytes": b"pixels", "path": "a/b.png"}) == "a/b.png"


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_rendered_with_its_weights_over_the_grid(channels):
    value, weights = noise(32, 32, channels), np.linspace(-1, 3, 64)
    under, over = Image().render(value, weights).sheet.shapes
    assert (under.pixels == (value if channels == 3 else np.repeat(value, 3, 2))).all()
    assert over.pixels.shape == (8, 8, 4)
    assert (under.width, under.height) == (over.width, over.height)
    red, blue = over.pixels[-1, -1], over.pixels[0, 0]
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert red[3] > blue[3] > 0  # the largest weight hides the most
    assert over.pixels[2, 0, 3] < 5  # the weight of cell 16 is nearly 0


@pytest.mark.parametrize(("fill", "seen"), [("crop", (1 / 3, 2 / 3)), ("pad", (0, 1)), ("stretch", (0, 1))])
def test_weights_lie_over_the_part_that_the_model_sees_of_the_whole_picture(fill, seen):
    original = np.full((30, 90, 3), 255, np.uint8)
    image = Image(30, fill)
    image.fit([original])
    drawn = np.asarray(image.render(original, np.ones(64), window=image.window(original)).image(), float)
    assert drawn.shape[1] == pytest.approx(3 * drawn.shape[0], abs=3)  # all of the picture
    tinted = np.flatnonzero(drawn[drawn.shape[0] // 2].min(axis=1) < 200) / drawn.shape[1]
    assert (tinted.min(), tinted.max()) == pytest.approx(seen, abs=0.01)


def test_on_a_terminal_weights_are_a_grid_of_signs():
    weights = np.zeros(64)
    weights[[0, 1, 63]] = 2.0, 0.8, -1.5
    text = Image().render(noise(32, 32), weights).text
    assert text.splitlines() == [
        "32×32 colour picture, largest weight 2",
        "++ +  ·  ·  ·  ·  ·  ·",
        *["·  ·  ·  ·  ·  ·  ·  ·"] * 6,
        "·  ·  ·  ·  ·  ·  ·  --",
        "most for it: row 1, column 1 (+2); row 1, column 2 (+0.8)",
    ]
    assert "+" not in Image().render(noise(8, 8), np.zeros(16)).text


def test_a_large_photograph_is_drawn_smaller_and_keeps_its_shape():
    drawn = Image().render(noise(1500, 3000))
    (picture,) = drawn.sheet.shapes
    assert picture.pixels.shape == (576, 1152, 3)
    assert drawn.sheet.width == 2 * drawn.sheet.height


def test_the_threats_are_balls_inside_the_legal_range():
    image = Image()
    assert image.value_range == (0.0, 1.0)
    assert [threat.radius for threat in image.threats] == [2 / 255, 8 / 255]
    assert {threat.norm for threat in image.threats} == {"linf"}


def test_the_affine_map_says_where_every_pixel_came_from():
    # Sampling the original at the map gives the moved picture, wherever that did not look beyond the border.
    image = Image(32)
    image.fit([np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8)])
    x = torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    moved, change = image.augment(x, torch.Generator().manual_seed(3), crop=4, flip=True)
    grid = torch.nn.functional.affine_grid(change.affine, list(x.shape), align_corners=False)
    sampled = torch.nn.functional.grid_sample(x, grid, align_corners=False)
    assert torch.allclose(sampled[..., 4:-4, 4:-4], moved[..., 4:-4, 4:-4], atol=1e-4)
    assert {float(a) for a in change.affine[:, 0, 0]} == {1.0, -1.0}
    assert len({tuple(row) for row in change.affine[:, :, 2].tolist()}) > 4


# ---- sixteen bits


def deep(low, high, seed=0, side=12):
    """A grey picture whose levels go from `low` to `high`."""
    levels = np.random.default_rng(seed).integers(low, high + 1, (side, side)).astype(np.uint16)
    levels[0, :2] = low, high
    return levels


def test_levels_of_16_bits_are_scaled_by_the_range_of_the_training_pictures():
    image = Image()
    image.fit([image.read(deep(900, 980)), image.read(deep(920, 1020, 1))])
    assert image.levels == [900, 1020]
    assert image.notes() == ["pictures of 16 bits: level 900 is black and 1,020 white, as in the training pictures"]
    value = image.read(deep(900, 1020, 2))
    assert (value.dtype, value.min(), value.max()) == (np.float32, 0, 1)
    assert value[..., 0] == pytest.approx((deep(900, 1020, 2) - 900.0) / 120, abs=1e-6)
    assert image.encode([value]).shape == (1, 1, 12, 12)
    assert torch.equal(image.encode([value]), image.encode([deep(900, 1020, 2)[..., None]]))
    beyond = image.read(deep(0, 65535))
    assert (beyond.min(), beyond.max()) == (0, 1)
    again = Image()
    again.restore(json.loads(json.dumps(image.state())))
    assert np.array_equal(again.read(deep(900, 1020, 2)), value)


def test_eight_bits_stored_in_16_are_as_if_they_were_stored_in_8():
    shallow = [np.random.default_rng(k).integers(0, 256, (12, 12)).astype(np.uint8) for k in range(4)]
    for k in range(4):
        shallow[k][0, :2] = 0, 255
    images = []
    for kind in (np.uint8, np.uint16):
        image = Image()
        image.fit([image.read(each.astype(kind)) for each in shallow])
        images.append(image)
    small, large = (i.encode([i.read(shallow[0].astype(kind))]) for i, kind in zip(images, (np.uint8, np.uint16)))
    assert torch.allclose(small, large, atol=1e-6)
    assert images[1].mean == pytest.approx(images[0].mean)


def test_pictures_of_8_bits_among_those_of_16_stay_as_they_are():
    image = Image()
    image.fit([noise(12, 12), image.read(deep(100, 300))])
    assert image.levels == [100, 300]
    assert np.array_equal(image.read(noise(12, 12)), noise(12, 12))
    plain = Image()
    plain.fit([noise(12, 12)])
    assert plain.notes() == []
    assert plain.read(deep(0, 65535)).max() == 1  # nothing is known: all of 16 bits


def test_pictures_of_16_bits_are_told_apart_shown_and_scaled_down():
    image = Image(size=6)
    one, other = image.read(deep(900, 1000)), image.read(deep(900, 1000, 1))
    assert np.abs(image.fingerprint(one) - image.fingerprint(other)).max() > 0.03
    assert image.fingerprint(one).max() <= 1
    image.fit([one, other])
    assert image.read(deep(900, 1000)).shape == (6, 6, 1)
    whole = image.original(deep(900, 1000))
    assert (whole.shape, whole.min(), whole.max()) == ((12, 12, 1), 0, 1)
