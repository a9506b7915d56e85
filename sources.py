"""Images of characters from several sources, as two views: what lesson 03 trains on, chooses by and reports on."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Callable

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

import synth
import utils
from characters import at_most, decode_characters, find_all, hold_out, without
from decoding import Alphabet
from emnist import CLASSES, find_emnist, load_emnist
from images import EXTENSIONS, Found, ImageError, open_image
from labels import DataError
from utils import Labelled
from views import CHANNELS, SIZE, twin_view, views

TWIN = "-bin"     # what a folder of binary twins is named after the folder of pictures
ASPECT = 0.1      # by how much the shape of a twin may differ from its picture's
PHOTOS = {"pen": ("pen_photos.zip", "photographs of pen on paper"),
          "street": ("street_view.zip", "photographs of characters in the street (Chars74K)")}


@dataclass
class Source:
    """One kind of images. `audit` is utils.audit's table of all that was found. `balanced`: its classes are to be drawn
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


# --- a folder of one's own ---------------------------------------------------------------------------------------

def load_views(path, naming: str | None = None) -> tuple[Labelled, dict[str, np.ndarray], list[str]]:
    """Images of one character each as uint8 (n, 28, 28, 4) (views.py); their binary twins; what is wrong with twins.

    Labels as in characters.load_characters. Twins are {name of the picture: uint8 (28, 28, 1)}, from a folder NAME-bin
    beside a folder NAME, `path` itself or inside it, with the same names but for the extension. A picture without a
    twin, or whose twin cannot be used, has the binary view that is made of it. Raises DataError.
    """
    path = Path(path)
    files, twins = _apart(path, find_all(path))
    data = decode_characters(path, files, naming, (SIZE, SIZE, CHANNELS), lambda picture: views(picture)[0])
    return data, *_fitting(data, files, twins)


def _apart(path: Path, files: list[Found]) -> tuple[list[Found], dict[str, Found]]:
    """(all files but twins, {name of a picture without its extension: its twin})."""
    zipped = path.suffix.lower() == ".zip"
    beside = path.with_name(path.stem + TWIN + path.suffix if zipped else path.name + TWIN) if path.name else path
    if beside != path and beside.exists():
        files = files + find_all(beside)
    folders = {folder for f in files for folder in PurePosixPath(f.name).parents} | {PurePosixPath(path.as_posix())}
    others, twins = [], {}
    for f in files:
        original = _original(PurePosixPath(f.name), folders)
        if original is None:
            others.append(f)
        elif original.suffix.lower() in EXTENSIONS:
            twins[str(original.with_suffix(""))] = f
    return others, twins


def _original(name: PurePosixPath, folders: set) -> PurePosixPath | None:
    """The name of the picture whose twin this file is: the same but for one folder NAME-bin, beside which is a NAME."""
    for folder in name.parents:
        plain = folder.with_name(folder.name.replace(TWIN, "")) if TWIN in folder.name else folder
        if plain != folder and plain in folders:
            return plain / name.relative_to(folder)
    return None


def _fitting(data: Labelled, files: list[Found], twins: dict[str, Found]) -> tuple[dict[str, np.ndarray], list[str]]:
    """The twins that fit their pictures, and a line on each that does not; no twins at all are no fault."""
    good, faults, pictures = {}, [], {f.name: f for f in files}
    for name in data.names if twins else ():
        twin = twins.get(str(PurePosixPath(name).with_suffix("")))
        if twin is None:
            faults.append(f"{name}: no binary twin, made from the picture")
            continue
        try:
            good[name] = _twin(open_image(pictures[name].read()), open_image(twin.read()))
        except ImageError as error:
            faults.append(f"{twin.name}: {error}; made from the picture")
    return good, faults


def _twin(picture: Image.Image, twin: Image.Image) -> np.ndarray:
    if abs(np.log(twin.width * picture.height / (twin.height * picture.width))) > ASPECT:
        raise ImageError(f"{twin.width} x {twin.height} for a picture of {picture.width} x {picture.height}: another shape")
    return twin_view(picture, twin)


def with_twins(data: Labelled, twins: dict[str, np.ndarray]) -> Labelled:
    """`data`, and once more the images that have a twin, with it as their binary view: a network learns from both, as
    it will be given the view that is made of the picture.
    """
    rows = [i for i, name in enumerate(data.names) if name in twins]
    again = data.take(rows)
    if rows:
        again.images = np.concatenate([again.images[..., :3], np.stack([twins[name] for name in again.names])], axis=3)
    return join([data, again])


def join(parts: list[Labelled]) -> Labelled:
    """The images of several data sets, one after the other."""
    return Labelled(np.concatenate([p.images for p in parts]), sum((p.labels for p in parts), []),
                    sum((p.names for p in parts), []))


def absent(symbols: str) -> str:
    """The digits, capitals or small letters that have no images, where most of their kind have some."""
    kinds = CLASSES[:10], CLASSES[10:36], CLASSES[36:]
    return "".join(c for kind in kinds if len(set(kind) & set(symbols)) > len(kind) / 2 for c in kind if c not in symbols)


# --- the course's sources ----------------------------------------------------------------------------------------

def load_sources(path: Path | None = None, naming: str | None = None, symbols: str | None = None, seed: int = 0,
                 scans: int | None = None, drawn: int = 300) -> dict[str, Source]:
    """{name: Source}: one of a folder or zip of one's own, divided by utils.split; without `path` the course's.

    These are "pen" and "street" where their zips are found, "scans" (EMNIST byclass on coloured paper; at most `scans`
    a class to train on) and "fonts" (`drawn` a class, tests in families that training has not). Each test part is for one
    look. Raises DataError.
    """
    if path is None and symbols:
        raise DataError(f"ALPHABET {symbols!r}: the course's sources have their 62 characters; use it with images of your own")
    if path is not None:
        return {"yours": _own(Path(path), naming, symbols, seed)}
    sources = {}
    for name, (file, what) in PHOTOS.items():
        for zipped in (folder / place / file for folder in utils.data_folders() for place in ("chars62", "")):
            if zipped.exists() and name not in sources:
                data, _, _ = load_views(zipped, "index")
                parts = utils.split(data)
                sources[name] = Source(what, *parts, _audit(data), _originals(zipped, parts[2]), balanced=False)
    return sources | {"scans": _scans(scans), "fonts": _fonts(drawn)}


def _own(path: Path, naming: str | None, symbols: str | None, seed: int) -> Source:
    data, twins, faults = load_views(path, naming)
    alphabet = Alphabet.from_labels([symbols]) if symbols else None
    audit = _audit(data, alphabet)
    if twins or faults:
        audit.loc["binary twins"] = len(twins), f"learnt from, of images to train on; {len(faults)} missing or not usable", faults
    try:
        data = utils.usable(data, 1, alphabet)
    except DataError:
        print(audit.drop(columns="files").to_string(), utils.listing(audit), sep="\n")
        raise
    missing = absent("".join(data.labels))
    if missing:
        audit.loc["no images of"] = len(missing), f"{missing}: the reader will not know these", []
    train, validation, test = utils.split(data, seed)
    return Source(f"images of {path.name}", with_twins(train, twins), validation, test, audit, _originals(path, test))


def _originals(path: Path, part: Labelled) -> list[Callable]:
    read = {found.name: found.read for found in find_all(path)}
    return [read[name] for name in part.names]


def _audit(data: Labelled, alphabet: Alphabet | None = None) -> pd.DataFrame:
    return utils.audit(data, 1, alphabet).drop(index=["lengths", "sizes", "too long"])  # which say nothing here


def _scans(per_class: int | None) -> Source:
    path, what = find_emnist("byclass")
    data, test = (load_emnist(path, "byclass", part) for part in ("train", "test"))
    audit = _audit(data)
    train, validation = hold_out(without(data, test), 50)
    if per_class:
        train, validation = at_most(train, per_class), at_most(validation, 10)
    for seed, part in enumerate((train, validation, test)):
        part.images = synth.on_paper(part.images, np.random.default_rng(seed), far=0.0 if part is test else 0.5)
    return _drawn(f"{what}, 62 classes, on coloured paper", train, validation, test, audit)


def _fonts(per_class: int) -> Source:
    parts, fewer = [], (max(5, per_class // 15), max(10, 2 * per_class // 15))
    for seed, (count, families) in enumerate(((per_class, synth.SIGNS), (fewer[0], synth.SIGNS), (fewer[1], synth.UNSEEN))):
        symbols = list(CLASSES * count)
        pictures = np.stack([picture for _, picture in synth.signs(symbols, seed, families)])
        parts.append(Labelled(pictures, symbols, [f"drawn[{i}]" for i in range(len(symbols))]))
    return _drawn("signs drawn by synth.py, tests in fonts not trained on", *parts, _audit(parts[0]))


def _drawn(what: str, train: Labelled, validation: Labelled, test: Labelled, audit: pd.DataFrame) -> Source:
    """A source of colour images, brought to views as a Reader does it; what shows nothing is left out of training."""
    pictures = [lambda image=image: image for image in test.images]
    train, validation, test = (_viewed(part) for part in (train, validation, test))
    return Source(what, train, validation, test, audit, pictures)


def _viewed(data: Labelled) -> Labelled:
    seen = np.zeros((len(data), SIZE, SIZE, CHANNELS), np.uint8)
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
