"""Image segmentation: the loss against torch, pictures of many sizes, windows, and learning on small and real data."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sounding.applications.vision.segment.task import Segment, SegmentRecipe
from sounding.contract.records import Example
from sounding.data import open_data
from sounding.errors import UsageError
from sounding.evaluation.evaluation import evaluate_rows
from sounding.modalities.pictures.image_files import within
from sounding.randomness import generator, stream

VOID = 255


def photos(sizes=((20, 30),) * 4, classes=3, channels=3):
    """Noise, and masks of noise in which every class occurs."""
    rng = stream("photos", str(sizes))
    return [
        Example(rng.integers(0, 256, (*size, channels), np.uint8), rng.integers(0, classes, size).astype(np.uint8))
        for size in sizes
    ]


def fitted(examples, **settings):
    task = Segment(SegmentRecipe.make("tiny", {"width": 4, "decoder": 8, "detail": 4, **settings}))
    task.fit(examples)
    torch.manual_seed(0)
    model = task.build()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.1 * torch.randn_like(p))  # so that outputs differ from pixel to pixel
    return task, model.eval()


def x_and_truth(task, examples):
    return task.input.encode([e.input for e in examples]), [e.target for e in examples]


# ---- loss


def test_loss_is_the_mean_cross_entropy_of_the_labelled_pixels():
    task, model = fitted(photos())
    x, masks = x_and_truth(task, photos())
    masks[0][:5] = VOID
    truth = torch.from_numpy(np.stack(masks)).long()
    each = [F.cross_entropy(model(a[None]), t[None], ignore_index=VOID) for a, t in zip(x, truth, strict=True)]
    torch.testing.assert_close(task.loss(model, x, task.encode_targets(masks)), torch.stack(each))
    torch.testing.assert_close(task.log_likelihood(model, x, task.encode_targets(masks)), -torch.stack(each))


def test_rare_classes_and_dice_weigh_in_training_only():
    examples = photos()
    plain, _ = fitted(examples, balance=0, dice=0)
    task, model = fitted(examples)
    x, masks = x_and_truth(task, examples)
    torch.testing.assert_close(
        task.loss(model, x, task.encode_targets(masks)), plain.loss(model, x, plain.encode_targets(masks))
    )
    assert not torch.allclose(
        task.loss(model.train(), x, task.encode_targets(masks)), plain.loss(model, x, plain.encode_targets(masks))
    )


def test_a_mask_without_labels_has_a_loss_of_zero():
    task, model = fitted(photos())
    x, masks = x_and_truth(task, photos())
    masks[1][:] = VOID
    for mode in (True, False):
        loss = task.loss(model.train(mode), x, task.encode_targets(masks))
        assert loss[1] == 0
        assert torch.isfinite(loss).all()


def test_an_ignored_class_counts_for_nothing():
    examples = photos(classes=4)
    read = Segment(SegmentRecipe.make("tiny", {"ignore": 3})).target.read
    examples = [Example(e.input, read(e.target)) for e in examples]
    task, model = fitted(examples, ignore="3")
    assert task.target.names == ["0", "1", "2"]
    x, masks = x_and_truth(task, examples)
    assert (masks[0] == VOID).any()
    assert torch.isfinite(task.loss(model, x, task.encode_targets(masks))).all()
    assert all(set(np.unique(p.value)) <= {0, 1, 2} for p in task.predict(model, [e.input for e in examples]))


# ---- pictures of many sizes


def test_pictures_of_many_sizes_are_answered_as_if_each_were_alone():
    examples = photos(((20, 30), (31, 17), (20, 30), (40, 40)))
    task, model = fitted(examples)
    x, masks = x_and_truth(task, examples)
    alone = [task.loss(model, x[i : i + 1], task.encode_targets(masks[i : i + 1])) for i in range(len(x))]
    torch.testing.assert_close(task.loss(model, x, task.encode_targets(masks)), torch.cat(alone))
    for e, p in zip(examples, task.predict(model, [e.input for e in examples]), strict=True):
        (single,) = task.predict(model, [e.input])
        assert p.value.shape == p.scores.shape == e.input.shape[:2]
        assert np.array_equal(p.value, single.value)
        assert p.confidence == pytest.approx(single.confidence, abs=1e-5)


def test_a_picture_that_is_scaled_down_is_compared_with_its_mask_scaled_down():
    examples = photos(((60, 90), (90, 60), (20, 20)))
    task, model = fitted(examples, image_size=45)
    x, masks = x_and_truth(task, examples)
    assert x.shape[-2:] == (45, 45)
    small = [Example(task.input.read(e.input), e.target) for e in examples]
    halves = [mask[1::2, 1::2] if len(mask) > 45 else mask for mask in masks]
    torch.testing.assert_close(
        task.loss(model, x, task.encode_targets(masks)), task.loss(model, x, task.encode_targets(halves))
    )
    shapes = [p.value.shape for p in task.predict(model, [e.input for e in small])]
    assert shapes == [within(e.target.shape, 45) for e in examples] == [(30, 45), (45, 30), (20, 20)]


def test_an_answer_to_another_picture_has_a_loss_too():
    examples = photos(((20, 30), (31, 17), (40, 40)))
    task, model = fitted(examples)
    x, masks = x_and_truth(task, examples)
    assert torch.isfinite(task.loss(model, x, task.encode_targets([*masks[1:], masks[0]]))).all()


# ---- answers


def test_an_answer_is_the_best_class_of_each_pixel_and_how_sure_it_is():
    task, model = fitted(photos())
    x, _ = x_and_truth(task, photos())
    p = model(x).softmax(1)
    for found, expected in zip(task.predict(model, [e.input for e in photos()]), p, strict=True):
        sure, places = expected.max(0)
        assert np.array_equal(found.value, places.numpy())
        assert found.value.dtype == np.uint8
        assert found.scores.dtype == np.float16
        np.testing.assert_allclose(found.scores, sure.detach().numpy(), atol=1e-3)
        assert found.confidence == pytest.approx(sure.mean().item(), abs=1e-5)


def test_mirrored_pictures_get_mirrored_answers_where_both_are_averaged():
    plain, model = fitted(photos())
    task = plain.with_options({"flip_average": "yes"})
    inputs = [e.input for e in photos()]
    mirrored = [np.ascontiguousarray(value[:, ::-1]) for value in inputs]
    for p, q in zip(task.predict(model, inputs), task.predict(model, mirrored), strict=True):
        assert np.array_equal(p.value[:, ::-1], q.value)
    assert any(
        not np.array_equal(p.scores[:, ::-1], q.scores)
        for p, q in zip(plain.predict(model, inputs), plain.predict(model, mirrored), strict=True)
    )


def test_a_large_picture_is_seen_in_windows():
    task, model = fitted(photos(((70, 90),)))
    task = task.with_options({"tile": 48, "overlap": 0.5})
    seen = []
    handle = model.register_forward_pre_hook(lambda _, args: seen.append(tuple(args[0].shape[-2:])))
    (found,) = task.predict(model, [photos(((70, 90),))[0].input])
    handle.remove()
    assert set(seen) == {(48, 48)}
    assert found.value.shape == (70, 90)


def test_windows_of_training_are_no_larger_than_the_crop_and_masks_follow():
    examples = photos(((60, 90),) * 3)
    task, _ = fitted(examples, crop=48, colour=0)
    for e in examples:
        e.target[:] = np.where(e.input[..., 0] > 127, 1, 0)
    x, masks = x_and_truth(task, examples)
    changed, change = task.augment(x, generator("crop"))
    followed = task.target.transform_targets(masks, change)
    assert changed.shape == (3, 3, 48, 48)
    assert [mask.shape for mask in followed] == [(48, 48)] * 3
    for picture, mask in zip(changed, followed, strict=True):
        red, known = picture[0].numpy(), mask != VOID
        assert (red[known & (mask == 1)]).mean() > 0.15 + red[known & (mask == 0)].mean()


def test_mirroring_is_for_colours_unless_said():
    assert fitted(photos())[0].mirrors
    assert not fitted(photos(channels=1))[0].mirrors
    assert not fitted(photos(), flip="no")[0].mirrors
    with pytest.raises(UsageError, match="flip=maybe"):
        _ = fitted(photos(), flip="maybe")[0].mirrors


def test_small_pictures_are_seen_at_full_resolution():
    _, small = fitted(photos())
    _, large = fitted(photos(((100, 120),)))
    assert small[1].stride == 1
    assert large[1].stride == 2


# ---- learning


def test_metrics_tell_every_class():
    task, _ = fitted(photos())
    assert [metric.name for metric in task.metrics] == [
        "mIoU", "pixel accuracy", "precision", "recall", "boundary F", "IoU 0", "IoU 1", "IoU 2",
    ]  # fmt: skip


def test_classes_by_shape_are_learnt():
    """Rings and discs of one colour: what a pixel is can be told from its surroundings alone."""
    rng, examples = stream("rings"), []
    for i in range(24):
        y, x = np.mgrid[:24, :24] - rng.uniform(9, 15, 2)[:, None, None]
        far = np.hypot(y, x)
        inside = (far < 6) & (far > 3 if i % 2 else True)
        picture = np.where(inside[..., None], 200, 60) + rng.integers(-20, 20, (24, 24, 1))
        examples.append(Example(picture.astype(np.uint8), (inside * (1 + i % 2)).astype(np.uint8)))
    task, model = fitted(examples, width=6, decoder=12)
    optimizer = torch.optim.AdamW(model.train().parameters(), 0.01)
    x, masks = x_and_truth(task, examples)
    for _ in range(40):
        optimizer.zero_grad()
        task.loss(model, x, task.encode_targets(masks)).mean().backward()
        optimizer.step()
    records = evaluate_rows(task, model, examples)
    assert task.metrics[0].value(records) > 0.9


@pytest.mark.skipif("SOUNDING_DATA" not in os.environ, reason="set SOUNDING_DATA to the folder of real data sets")
def test_street_scenes_are_read_and_a_step_can_be_taken():
    task = Segment(SegmentRecipe.make("tiny", {"ignore": 11, "crop": 64}))
    data = open_data(task, Path(os.environ["SOUNDING_DATA"], "camvid", "validation.parquet"))
    assert len(data.train) + len(data.validation) + len(data.test) == 101
    assert len(task.target.names) == 11
    torch.manual_seed(0)
    model = task.build()
    x, masks = x_and_truth(task, list(data.train[:2]))
    assert x.shape == (2, 3, 360, 480)
    changed, change = task.augment(x, generator("street"))
    task.loss(model, changed, task.encode_targets(task.target.transform_targets(masks, change))).mean().backward()
    (found,) = task.predict(model.eval(), [data.test[0].input])
    assert found.value.shape == (360, 480)


def test_masks_follow_their_pictures_where_only_some_are_scaled_down():
    rng, examples = stream("blocks"), []
    for tall, wide in ((9, 12), (4, 3)):
        picture = rng.integers(0, 256, (tall, wide, 3), np.uint8).repeat(10, 0).repeat(10, 1)
        examples.append(Example(picture, (picture[..., 0] > 127).astype(np.uint8)))
    task, _ = fitted(examples, image_size=60, colour=0)
    x, masks = x_and_truth(task, examples)
    changed, change = task.augment(x, generator("blocks", 3))
    for picture, mask in zip(changed, task.target.transform_targets(masks, change), strict=True):
        known = mask != VOID
        assert ((picture[0].numpy() > 0.5) == mask)[known].mean() > 0.85
