"""Images of characters from several sources, as two views: what lesson 03 trains on, chooses by and reports on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from ocr.datasets.audit import audited
from ocr.datasets.dataset import Labelled, join
from ocr.datasets.labels import CLASSES, list_files
from ocr.datasets.splits import split
from ocr.datasets.twins import load_views, with_twins
from ocr.reading.ctc import Alphabet
from ocr.reading.images import ImageError
from ocr.reading.inputs import Views, views


@dataclass
class Source:
    """One kind of images. `audit` is audit.audit's table of all that was found. `balanced`: its classes are to be drawn
    in equal shares (its test part has as many of each, or nobody knows), not as often as they come. `pictures`: functions,
    each giving a picture of the test part as a Reader takes it.
    """

    what: str
    train: Labelled
    validation: Labelled
    test: Labelled
    audit: pd.DataFrame
    pictures: list[Callable]
    balanced: bool = True


def own_source(
    path, naming: str | None = None, symbols: str | None = None, seed: int = 0
) -> Source:
    """A folder or zip of one's own as a source, divided by `splits.split`. Raises DataError."""
    data, twins, faults = load_views(path, naming)
    data, table = audited(data, 1, Alphabet.from_labels([symbols]) if symbols else None)
    if twins or faults:
        table.loc["binary twins"] = (
            len(twins),
            f"learnt from, of images to train on; {len(faults)} missing or not usable",
            faults,
        )
    missing = absent("".join(data.labels))
    if missing:
        table.loc["no images of"] = len(missing), f"{missing}: the reader will not know these", []
    train, validation, test = split(data, seed)
    read = {found.name: found.read for found in list_files(path)}
    return Source(
        f"images of {Path(path).name}",
        with_twins(train, twins),
        validation,
        test,
        table,
        [read[name] for name in test.names],
    )


def absent(symbols: str) -> str:
    """The digits, capitals or small letters that have no images, where most of their kind have some."""
    kinds = CLASSES[:10], CLASSES[10:36], CLASSES[36:]
    return "".join(
        c
        for kind in kinds
        if len(set(kind) & set(symbols)) > len(kind) / 2
        for c in kind
        if c not in symbols
    )


def colour_source(
    what: str, train: Labelled, validation: Labelled, test: Labelled, audit: pd.DataFrame
) -> Source:
    """A source of colour images, brought to views as a Reader does it; what shows nothing is left out of training."""
    pictures = [lambda image=image: image for image in test.images]
    train, validation, test = (_viewed(part) for part in (train, validation, test))
    return Source(what, train, validation, test, audit, pictures)


def _viewed(data: Labelled) -> Labelled:
    seen = np.zeros((len(data), *Views.shape), np.uint8)
    shown = np.ones(len(data), bool)
    for i, image in enumerate(tqdm(data.images, desc="views", unit=" images", disable=None)):
        try:
            seen[i], _ = views(Image.fromarray(image))
        except ImageError:
            shown[i] = False
    data.images = seen
    return data.take(shown)


def group(sources: dict[str, Source]) -> tuple[Labelled, np.ndarray]:
    """The training images of several sources, and a group number for each, ints (n,): draws that take as many of each
    group (batching.class_order) take as many of each source; of a source that is not balanced, classes as they come.
    """
    groups = []
    for k, source in enumerate(sources.values()):
        codes = np.array([ord(c) for c in source.train.labels])
        if not source.balanced:  # as many groups as there are classes, of equal size
            codes = np.arange(len(codes)) % len(np.unique(codes))
        groups.append((k << 24) + codes)
    return join([source.train for source in sources.values()]), np.concatenate(groups)
