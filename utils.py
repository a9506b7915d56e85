"""The course's data sets: found, fetched or drawn; and the profile that a notebook runs in.

Importing this is quick: what draws, and what needs pandas, is imported where it is used.
"""

import hashlib
import os
from pathlib import Path, PurePosixPath

import numpy as np
from tqdm import tqdm

from ocr.datasets import digits, emnist
from ocr.datasets.dataset import Labelled
from ocr.datasets.download import data_folders, download, sha256
from ocr.datasets.labels import CLASSES, DataError
from ocr.datasets.splits import at_most, hold_out, without
from ocr.paths import ROOT
from ocr.reading.files import find_images
from ocr.reading.images import ImageError

CAPTCHA_URL = "https://github.com/AakashKumarNain/CaptchaCracker/raw/master/captcha_images_v2.zip"
CAPTCHA_DIGEST = "69b70dcc3b482122df31325af8cea103eb4fd5308f240c444b3b6e70a7b9cbc8"
EMNIST_URL = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
EMNIST_DIGEST = "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"
PHOTOS = {
    "pen": ("pen_photos.zip", "photographs of pen on paper"),
    "street": ("street_view.zip", "photographs of characters in the street (Chars74K)"),
}
DRAWN_CAPTCHAS = 2500  # drawn where no real ones are found
DRAWN_CHARACTERS = 150  # of each of 62 classes, to train on


def begin() -> bool:
    """Begin a notebook: set how tables are shown, print the profile, return True for the full one."""
    import pandas as pd  # it takes half a second

    pd.set_option("display.width", 200, "display.max_columns", None, "display.max_colwidth", 160)
    full = full_profile()
    print("profile:", "full" if full else "quick")
    return full


def full_profile() -> bool:
    """True for OCR_PROFILE=full (the README's figures), False for "quick", the default (minutes on two cores)."""
    profile = os.environ.get("OCR_PROFILE", "quick")
    if profile not in ("quick", "full"):
        raise DataError(f"OCR_PROFILE={profile}: use 'quick' or 'full'")
    return profile == "full"


def _may_download(allowed: bool | None) -> bool:
    return full_profile() if allowed is None else allowed


# --- CAPTCHAs ----------------------------------------------------------------------------------------------------


def find_captchas(download_allowed: bool | None = None) -> tuple[Path, str]:
    """The CAPTCHA data set as (path, what it is): found, else downloaded, else drawn.

    Downloading is tried only where it is allowed: by default in the full profile.
    """
    for folder in data_folders():
        for name in ("captcha_images_v2.zip", "captcha_images_v2"):
            if (folder / name).exists():
                return folder / name, "captcha_images_v2, real images"
    if _may_download(download_allowed):
        try:
            target = ROOT / "data" / "captcha_images_v2.zip"
            return download(CAPTCHA_URL, target, _is_captchas), "captcha_images_v2, real images"
        except DataError as error:
            print(f"{error}; drawn CAPTCHAs instead")
    from ocr.drawing.captchas import captcha_zip

    path = captcha_zip(ROOT / "data" / "drawn" / f"captchas-{DRAWN_CAPTCHAS}.zip", DRAWN_CAPTCHAS)
    return path, "drawn with the captcha package"


def _is_captchas(path: Path) -> bool:
    try:
        return content_digest(path) == CAPTCHA_DIGEST
    except ImageError:
        return False


def content_digest(path) -> str:
    """sha256 over the sorted names and contents of the images in a folder or zip, however it is packed."""
    lines = sorted(
        f"{PurePosixPath(found.name).name} {hashlib.sha256(found.read()).hexdigest()}"
        for found in find_images(path)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


# --- handwritten characters --------------------------------------------------------------------------------------


def find_emnist(split: str = "bymerge", download_allowed: bool | None = None) -> tuple[Path, str]:
    """The files of an EMNIST split as (folder or zip, what it is): found, else downloaded (536 MiB), else drawn.

    Downloading is tried only where it is allowed: by default in the full profile. Raises DataError for a split that is
    not there and cannot be drawn.
    """
    for folder in data_folders():
        for name in ("emnist", "gzip.zip", "emnist.zip"):
            if (folder / name).exists() and emnist.holds(folder / name, split):
                return folder / name, "NIST SD19 in EMNIST form"
    if _may_download(download_allowed):
        try:
            path = download(
                EMNIST_URL, ROOT / "data" / "gzip.zip", lambda path: sha256(path) == EMNIST_DIGEST
            )
            return path, "NIST SD19 in EMNIST form"
        except DataError as error:
            print(error)
    if split not in ("bymerge", "byclass"):
        raise DataError(
            f"EMNIST {split} was not found in {' or '.join(map(str, data_folders()))}, and only bymerge and byclass "
            "can be drawn: get it as data/README.md says"
        )
    return _draw_emnist(ROOT / "data" / "drawn" / f"emnist-{DRAWN_CHARACTERS}"), "drawn from fonts"


def _draw_emnist(folder: Path) -> Path:
    """The 62 characters drawn from fonts, laid down as EMNIST's byclass files: train DRAWN_CHARACTERS a class, test 40."""
    from ocr.drawing import symbols

    if folder.exists():
        return folder
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    part.mkdir(parents=True, exist_ok=True)
    for seed, (name, count) in enumerate((("train", DRAWN_CHARACTERS), ("test", 40))):
        wanted = np.random.default_rng(seed).permutation(list(CLASSES * count))
        pairs = tqdm(
            symbols.glyphs(wanted, seed),
            total=len(wanted),
            desc=f"drawing characters, {name}",
            disable=None,
        )
        images = np.stack([image[:, :, 0].T for _, image in pairs])
        emnist.write_idx(part / f"emnist-byclass-{name}-images-idx3-ubyte.gz", images)
        emnist.write_idx(
            part / f"emnist-byclass-{name}-labels-idx1-ubyte.gz",
            np.array([CLASSES.index(s) for s in wanted]),
        )
    (part / "emnist-byclass-mapping.txt").write_text(
        "".join(f"{i} {ord(c)}\n" for i, c in enumerate(CLASSES))
    )
    part.rename(folder)
    return folder


def load_parts(split: str = "bymerge"):
    """The parts of an EMNIST split that lessons 01 and 02 train on, choose by and report on: `characters.Parts`."""
    from ocr.datasets import characters

    path, origin = find_emnist(split)
    return characters.given_parts(
        origin, *(emnist.load_emnist(path, split, part) for part in ("train", "test"))
    )


# --- handwritten digits ------------------------------------------------------------------------------------------


def load_handwritten(
    script: str, part: str, download_allowed: bool | None = None
) -> tuple[Labelled, str]:
    """Load handwritten digits as (data, what it is), see `digits.load_handwritten`."""
    return digits.load_handwritten(script, part, data_folders(), _may_download(download_allowed))


# --- characters in colour ----------------------------------------------------------------------------------------


def load_sources(scans: int | None = None, drawn: int = 300) -> dict:
    """The images of lesson 03 as {name: sources.Source}.

    These are "pen" and "street" where their zips are found, "scans" (EMNIST byclass on coloured paper; at most `scans`
    a class to train on) and "fonts" (`drawn` a class, tests in families that training has not). Each test part is for one
    look. Raises DataError.
    """
    found = {}
    for name, (file, what) in PHOTOS.items():
        path = next(
            (
                folder / place / file
                for folder in data_folders()
                for place in ("chars62", "")
                if (folder / place / file).exists()
            ),
            None,
        )
        if path:
            found[name] = _photographs(path, what)
    return found | {"scans": _scans(scans), "fonts": _signs(drawn)}


def _photographs(path: Path, what: str):
    from ocr.datasets import sources

    source = sources.own_source(path, "index")
    source.what, source.balanced = what, False
    return source


def _scans(per_class: int | None):
    from ocr.datasets.audit import audit
    from ocr.datasets.sources import colour_source
    from ocr.drawing.symbols import on_paper

    path, what = find_emnist("byclass")
    data, test = (emnist.load_emnist(path, "byclass", part) for part in ("train", "test"))
    table = audit(data, 1)
    train, validation = hold_out(without(data, test), 50)
    if per_class:
        train, validation = at_most(train, per_class), at_most(validation, 10)
    for seed, part in enumerate((train, validation, test)):
        part.images = on_paper(
            part.images, np.random.default_rng(seed), far=0.0 if part is test else 0.5
        )
    return colour_source(f"{what}, 62 classes, on coloured paper", train, validation, test, table)


def _signs(per_class: int):
    from ocr.datasets.audit import audit
    from ocr.datasets.sources import colour_source
    from ocr.drawing import fonts, symbols

    counts, parts = (per_class, max(5, per_class // 15), max(10, 2 * per_class // 15)), []
    for seed, (count, families) in enumerate(zip(counts, (fonts.SIGNS, fonts.SIGNS, fonts.UNSEEN))):
        wanted = list(CLASSES * count)
        pictures = np.stack([picture for _, picture in symbols.signs(wanted, seed, families)])
        parts.append(Labelled(pictures, wanted, [f"drawn[{i}]" for i in range(len(wanted))]))
    return colour_source("drawn signs, tests in fonts not trained on", *parts, audit(parts[0], 1))


if __name__ == "__main__":  # make data
    print("CAPTCHAs: {} ({})".format(*find_captchas(download_allowed=True)))
    print("EMNIST: {} ({})".format(*find_emnist("bymerge", download_allowed=True)))
    for hand in digits.HANDS:
        print(
            f"handwritten digits, {hand}: {load_handwritten(hand, 'train', download_allowed=True)[1]}"
        )
