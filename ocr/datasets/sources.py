"""Characters in colour from several sources, as views: what lesson 03 trains and reports on."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

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
    """One kind of images, divided.

    audit     table of all that was found, see audit.audit
    pictures  functions that return the pictures of the test part, as a Reader takes them
    balanced  draw its classes in equal shares, not as often as they occur: its test part has as
              many of each, or its true frequencies are unknown
    """

    what: str
    train: Labelled
    validation: Labelled
    test: Labelled
    audit: pd.DataFrame
    pictures: list[Callable[[], Any]]
    balanced: bool = True


def own_source(
    path: str | os.PathLike,
    naming: str | None = None,
    symbols: str | None = None,
    seed: int = 0,
) -> Source:
    """Load a folder or zip of your own images as a source, divided by `splits.split`.

    naming: see `labels.class_names`. symbols: the characters to distinguish; None: all that occur.
    Raises DataError.
    """
    data, twins, problems = load_views(path, naming)
    data, table = audited(data, 1, Alphabet.from_labels([symbols]) if symbols else None)
    if twins or problems:
        what = f"also learnt from, in training images; {len(problems)} missing or not usable"
        table.loc["binary twins"] = len(twins), what, problems
    missing = absent("".join(data.labels))
    if missing:
        what = f"{missing}: the reader will not know these"
        table.loc["no images of"] = len(missing), what, []
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
    """List the digits, capitals and small letters that are missing, of kinds mostly present."""
    kinds = CLASSES[:10], CLASSES[10:36], CLASSES[36:]
    present = [kind for kind in kinds if len(set(kind) & set(symbols)) > len(kind) / 2]
    return "".join(c for kind in present for c in kind if c not in symbols)


def colour_source(
    what: str, train: Labelled, validation: Labelled, test: Labelled, audit: pd.DataFrame
) -> Source:
    """Make a source of colour images uint8 (n, H, W, 3), preprocessed as a Reader does.

    Images without visible ink are dropped.
    """
    pictures: list[Callable[[], Any]] = [partial(np.asarray, image) for image in test.images]
    train, validation, test = (_viewed(part) for part in (train, validation, test))
    return Source(what, train, validation, test, audit, pictures)


def _viewed(data: Labelled) -> Labelled:
    """Convert colour images to views, dropping those without visible ink."""
    images = np.zeros((len(data), *Views.shape), np.uint8)
    visible = np.ones(len(data), bool)
    for i, image in enumerate(tqdm(data.images, desc="views", unit=" images", disable=None)):
        try:
            images[i], _ = views(Image.fromarray(image))
        except ImageError:
            visible[i] = False
    data.images = images
    return data.take(visible)


def group(sources: dict[str, Source]) -> tuple[Labelled, np.ndarray]:
    """Join the training images of several sources: (data, integers (n,), a group for each image).

    Draws that take as many of each group (`batches.class_order`) take as many of each source, and
    of a source that is not balanced, its classes as often as they occur.
    """
    groups = []
    for k, source in enumerate(sources.values()):
        codes = np.array([ord(c) for c in source.train.labels])
        if not source.balanced:  # as many groups as there are classes, of equal size
            codes = np.arange(len(codes)) % len(np.unique(codes))
        groups.append((k << 24) + codes)
    return join([source.train for source in sources.values()]), np.concatenate(groups)
