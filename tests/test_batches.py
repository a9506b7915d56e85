"""Training batches: seeded by epoch, balanced, prefetched."""

import numpy as np
import pytest

from ocr.reading.ctc import Alphabet
from ocr.training import batches
from tests.samples import classes_of_noise, labelled_noise


def test_string_batches_are_seeded_by_epoch_and_cover_it():
    data, alphabet = labelled_noise([f"{i:02d}" for i in range(20)]), Alphabet("0123456789")

    def first(count, **options):
        stream = batches.string_batches(data, alphabet, 5, **options)
        return [next(stream)[0] for _ in range(count)]

    two_epochs, second = first(8, seed=1, strength=0.5), first(4, seed=1, epoch=1, strength=0.5)
    for a, b in zip(two_epochs[4:], second):
        assert np.array_equal(a["image"], b["image"]) and np.array_equal(a["label"], b["label"])
    seen = sorted(alphabet.decode(row) for batch in two_epochs[:4] for row in batch["label"])
    assert seen == sorted(data.labels)
    assert not np.array_equal(first(1, seed=1)[0]["label"], first(1, seed=2)[0]["label"])


def test_class_order_is_balanced():
    classes = np.repeat([0, 1, 2], [5, 50, 500])
    order = batches.class_order(classes, 301, np.random.default_rng(0))
    counts = np.bincount(classes[order])
    assert len(order) == 301 and set(counts) == {100, 101}
    small = np.bincount(order[order < 5], minlength=5)
    assert small.min() >= 20 and small.max() <= 21  # each of the five equally often
    large = order[order >= 55]
    assert len(set(large)) == len(large)  # no image of a large class twice
    plain = batches.class_order(classes, 555, np.random.default_rng(0), balanced=False)
    assert sorted(plain) == list(range(555)) and list(plain) != list(range(555))


def test_class_batches_resume_by_epoch_and_keep_their_labels():
    data, alphabet = classes_of_noise({"a": 40, "b": 10, "c": 25}), Alphabet("abc")
    data.images[:] = 100 * alphabet.classes(data.labels)[:, None, None, None]

    def take(epoch, count, **options):
        stream = batches.class_batches(data, alphabet, 4, 6, 5, seed=3, epoch=epoch, **options)
        return [next(stream) for _ in range(count)]

    whole, resumed = take(0, 10), take(1, 5)
    for (a, b), (c, d) in zip(whole[5:], resumed, strict=True):
        assert np.array_equal(a, c) and np.array_equal(b, d)
    for images, targets in take(0, 10, strength=1.0):
        assert images.shape == (6, 28, 28, 1) and images.dtype == np.float32
        assert 0 <= images.min() <= images.max() <= 1
        assert targets.shape == (6, 4)
        assert (targets.sum(axis=1) == 1).all() and not targets[:, 3].any()
        centre = images[:, 14, 14, 0] * 255  # stays ink, whose brightness is the class
        assert np.allclose(centre, targets.argmax(axis=1) * 100, atol=1)


def test_prefetch_keeps_the_order_and_raises_errors():
    stream = batches.prefetch(iter([1, 2, 3]))
    assert [next(stream) for _ in range(2)] == [1, 2]

    def failing():
        yield 1
        raise ValueError("no more")

    stream = batches.prefetch(failing())
    assert next(stream) == 1
    with pytest.raises(ValueError, match="no more"):
        next(stream)
