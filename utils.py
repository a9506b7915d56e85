"""Data for training: find it, read its labels, audit it, split it. No TensorFlow in here.

The way from a file to a network's input is in images.py, shared with reading; labels.py reads labels; characters.py
has what is special to images of one character.
"""
from __future__ import annotations

import hashlib
import io
import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

import synth
from decoding import Alphabet, steps_needed
from download import download
from images import EXTENSIONS, FORMATS, Found, ImageError, find_images, open_image, to_uint8
from labels import DataError, read_labels
from lines import line

ROOT = Path(__file__).resolve().parent
CAPTCHA_URL = "https://github.com/AakashKumarNain/CaptchaCracker/raw/master/captcha_images_v2.zip"
CAPTCHA_DIGEST = "69b70dcc3b482122df31325af8cea103eb4fd5308f240c444b3b6e70a7b9cbc8"
DRAWN = 2500            # CAPTCHAs drawn where no real ones are found


def full_profile() -> bool:
    """True for OCR_PROFILE=full (the README's figures), False for "quick", the default (minutes on two cores)."""
    profile = os.environ.get("OCR_PROFILE", "quick")
    if profile not in ("quick", "full"):
        raise DataError(f"OCR_PROFILE={profile}: use 'quick' or 'full'")
    return profile == "full"


# --- find --------------------------------------------------------------------------------------------------------

def data_folders() -> list[Path]:
    """Where data is looked for: $OCR_DATA (absolute, or relative to the project's root) if set, then data/."""
    folders = [ROOT / "data"]
    if os.environ.get("OCR_DATA"):
        folders.insert(0, ROOT / os.environ["OCR_DATA"])  # an absolute path stays itself
        if not folders[0].is_dir():
            raise DataError(f"OCR_DATA={os.environ['OCR_DATA']} is no folder: correct it or unset it")
    return folders


def find_captchas(download_allowed: bool | None = None) -> tuple[Path, str]:
    """The CAPTCHA data set as (path, what it is): found, else downloaded, else drawn by synth.py.

    Downloading is tried only where it is allowed: by default in the full profile.
    """
    for folder in data_folders():
        for name in ("captcha_images_v2.zip", "captcha_images_v2"):
            if (folder / name).exists():
                return folder / name, "captcha_images_v2, real images"
    if full_profile() if download_allowed is None else download_allowed:
        try:
            target = ROOT / "data" / "captcha_images_v2.zip"
            return download(CAPTCHA_URL, target, _is_captchas), "captcha_images_v2, real images"
        except DataError as error:
            print(f"{error}; drawn CAPTCHAs instead")
    path = synth.captcha_zip(ROOT / "data" / "drawn" / f"captchas-{DRAWN}.zip", DRAWN)
    return path, "drawn by synth.py with the captcha package"


def _is_captchas(path: Path) -> bool:
    try:
        return content_digest(path) == CAPTCHA_DIGEST
    except ImageError:
        return False


def content_digest(path) -> str:
    """sha256 over the sorted names and contents of the images in a folder or zip, however it is packed."""
    lines = sorted(f"{PurePosixPath(found.name).name} {hashlib.sha256(found.read()).hexdigest()}"
                   for found in find_images(path))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


# --- load --------------------------------------------------------------------------------------------------------

@dataclass
class Labelled:
    """A labelled data set, decoded once: images uint8 (n, height, width, channels), and what was left out and why."""
    images: np.ndarray
    labels: list[str]
    names: list[str]
    sizes: list[tuple[int, int]] = field(default_factory=list)  # (width, height) of each file
    unreadable: dict[str, str] = field(default_factory=dict)    # name -> reason
    unlabelled: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)            # listed in labels.csv, but not there

    def __len__(self):
        return len(self.labels)

    def take(self, rows) -> "Labelled":
        """The images of these rows (indices or a boolean mask), in their order."""
        rows = np.arange(len(self))[rows]
        columns = self.labels, self.names, self.sizes
        return Labelled(self.images[rows], *([column[i] for i in rows] if column else [] for column in columns))


def load_labelled(path, size: tuple[int, int] | None = None, channels: int = 1, fit: str = "picture") -> Labelled:
    """Read every labelled image of a folder or zip. `size` is (height, width); default by `input_size`. `fit`: "picture", or
    "line", cropped to the ink (lines.py).

    Unreadable and unlabelled images are listed in the result and left out. Raises DataError where `path` is
    missing or holds no labelled image that can be read.
    """
    try:
        files = list(find_images(path, every_file=True))
        labels, missing = read_labels(files)
    except ImageError as error:
        raise DataError(f"{path}: {error}") from None
    pictures = [f for f in files if PurePosixPath(f.name).suffix.lower() in EXTENSIONS]
    if not labels:
        why = f"labels.csv lists {missing[0]}, which is not there" if missing else (
            "name them LABEL.png, or write a labels.csv with the columns file,label")
        raise DataError(f"{path}: {len(pictures)} images, none with a label: {why}")
    found = [f for f in pictures if f.name in labels]
    size = size or input_size([s for s in map(_header_size, found) if s], labels.values())
    return decode(path, files, labels, missing, (*size, channels),
                  lambda picture: line(picture, size)[0] if fit == "line" else to_uint8(picture, size, channels))


def decode(path, files: list[Found], labels: dict[str, str], missing: list[str], shape, to_pixels) -> Labelled:
    """The images among `files` that have a label, each made uint8 of `shape` by `to_pixels` (a function of a picture).

    Those without a label, or that cannot be read, are listed. Raises DataError where none can be read.
    """
    pictures = [f for f in files if PurePosixPath(f.name).suffix.lower() in EXTENSIONS]
    found = [f for f in pictures if f.name in labels]
    images = np.zeros((len(found), *shape), np.uint8)
    kept, sizes, unreadable = [], [], {}
    closed = [f for f in files if f.name.endswith("/")]  # folders that cannot be opened
    for f in tqdm(closed + found, desc="decoding", unit=" images", disable=None):
        try:
            picture = open_image(f.read())
            images[len(kept)] = to_pixels(picture)
        except ImageError as error:
            unreadable[f.name] = str(error)
        else:
            kept.append(f.name)
            sizes.append(picture.size)
    if not kept:
        name, why = next(iter(unreadable.items()))
        raise DataError(f"{path}: none of its {len(found)} labelled images can be read; {name}: {why}")
    return Labelled(images[:len(kept)], [labels[n] for n in kept], kept, sizes, unreadable,
                    [f.name for f in pictures if f.name not in labels], missing)


def _header_size(found: Found):
    """(width, height) as shown, from a file's header, or None; the pixels are not decoded."""
    try:
        picture = Image.open(io.BytesIO(found.read()), formats=FORMATS)
        turned = picture.getexif().get(0x0112, 1) >= 5  # the camera was held upright
        return picture.size[::-1] if turned else picture.size
    except Exception:  # whatever is wrong with it is reported when it is decoded
        return None


def input_size(sizes, labels, stride: int = 4, max_height: int = 64) -> tuple[int, int]:
    """The (height, width) of a network's input for images of these (width, height)s: theirs where they agree.

    At most `max_height` high, as wide as all but the widest twentieth, a multiple of `stride` wide; enlarged where
    that gives all but the longest twentieth of the labels fewer than twice the time steps (of `stride` pixels) they
    need. A label that is far longer than the others is left to the audit.
    """
    shapes = np.array(list(sizes) or [(200, 50)], dtype=float)
    height = min(float(np.median(shapes[:, 1])), max_height)
    width = height * float(np.quantile(shapes[:, 0] / shapes[:, 1], 0.95))
    needed = 2 * stride * np.quantile([steps_needed(label) for label in labels], 0.95)
    grow = max(1.0, needed / width)
    return max(8, round(height * grow)), int(np.ceil(width * grow / stride - 1e-6)) * stride


# --- audit and split ---------------------------------------------------------------------------------------------

def digests(images: np.ndarray) -> np.ndarray:
    """One digest an image, over its decoded pixels: equal digests are exact duplicates."""
    return np.array([hashlib.sha256(image.tobytes()).hexdigest() for image in images])


def fingerprint(data: Labelled) -> str:
    """One digest over all images and labels, in their order."""
    lines = [f"{digest} {label}" for digest, label in zip(digests(data.images), data.labels)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def audit(data: Labelled, time_steps: int, alphabet: Alphabet | None = None) -> pd.DataFrame:
    """One table of what the data holds and what is wrong with it, each finding with the list of its files.

    With an `alphabet`, labels that it cannot write are a finding too.
    """
    by_digest = defaultdict(list)
    for name, label, digest in zip(data.names, data.labels, digests(data.images)):
        by_digest[digest].append((name, label))
    twins = [group for group in by_digest.values() if len(group) > 1]
    clashes = [group for group in twins if len({label for _, label in group}) > 1]
    too_long = [n for n, label in zip(data.names, data.labels) if steps_needed(label) > time_steps]
    strange = [n for n, label in zip(data.names, data.labels) if alphabet and label not in alphabet]
    symbols, lengths = Counter("".join(data.labels)), Counter(map(len, data.labels))
    rare_size = Counter(data.sizes).most_common()[1:]
    first = dict(zip(reversed(data.sizes), reversed(data.names)))
    rows = [
        ("images", len(data), "read and labelled", []),
        ("unreadable", len(data.unreadable), "left out", [f"{n}: {w}" for n, w in data.unreadable.items()]),
        ("unlabelled", len(data.unlabelled), "left out", data.unlabelled),
        ("missing", len(data.missing), "in labels.csv, but no such image", data.missing),
        ("characters", len(symbols), " ".join(f"{s}:{n}" for s, n in sorted(symbols.items())), []),
        ("lengths", len(lengths), " ".join(f"{n}:{k}" for n, k in sorted(lengths.items())), []),
        ("sizes", len(set(data.sizes)), " ".join(f"{w}x{h}:{k}" for (w, h), k in Counter(data.sizes).most_common(5)),
         [first[size] for size, _ in rare_size]),
        ("exact duplicates", sum(len(g) - 1 for g in twins), f"in {len(twins)} groups, kept on one side of a split",
         [name for group in twins for name, _ in group]),
        ("duplicates that disagree", len(clashes), "same picture, other label", [n for g in clashes for n, _ in g]),
        ("too long", len(too_long), f"need more than {time_steps} time steps, left out", too_long),
        ("outside the alphabet", len(strange), "left out", strange),
    ]
    return pd.DataFrame(rows, columns=["finding", "count", "what", "files"]).set_index("finding")


def listing(table: pd.DataFrame, most: int = 20) -> str:
    """The files of an audit's findings, a line each, at most `most` a finding."""
    lines = []
    for finding, files in table["files"].items():
        lines += [f"{finding}: {file}".replace(f"{ROOT.as_posix()}/", "") for file in files[:most]]
        if len(files) > most:
            lines.append(f"{finding}: and {len(files) - most} more")
    return "\n".join(lines)


def usable(data: Labelled, time_steps: int, alphabet: Alphabet | None = None) -> Labelled:
    """The images whose labels fit the time steps, and the `alphabet` if one is given.

    Raises DataError where too little is left to learn from.
    """
    count = len(data)
    data = data.take(np.array([steps_needed(label) <= time_steps and (alphabet is None or label in alphabet)
                               for label in data.labels]))
    if len(set(digests(data.images))) < 10:
        raise DataError(f"{len(data)} of {count} images are usable (the audit says why): training needs at least 10 "
                        "different ones, better 500")
    if len(set(data.labels)) == 1:
        raise DataError(f"all images have the label {data.labels[0]!r}: nothing to tell apart, check the labels")
    symbols = sorted(set("".join(data.labels)))
    if len(symbols) < 2:
        raise DataError(f"all labels consist of {symbols[0]!r} alone: nothing to tell apart, check the labels")
    return data


def folds(images: np.ndarray, count: int = 5, seed: int = 0) -> np.ndarray:
    """A fold number 0..count-1 for each image, by a seed; exact duplicates share theirs."""
    _, group = np.unique(digests(images), return_inverse=True)
    order = np.random.default_rng(seed).permutation(group.max() + 1)
    return (order % count)[group]


def split(data: Labelled, seed: int = 0) -> tuple[Labelled, Labelled, Labelled]:
    """(train, validation, test): test is fold 0 of `folds`, a fifth; validation an eighth of the rest."""
    fold = folds(data.images, 5, seed)
    rest = np.flatnonzero(fold != 0)
    inner = folds(data.images[rest], 8, seed + 1)
    return data.take(rest[inner != 0]), data.take(rest[inner == 0]), data.take(fold == 0)
