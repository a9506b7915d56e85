"""The course's data sets: found, downloaded or drawn; and the profile that a notebook runs in.

Importing this is quick: modules that draw, or that need pandas, are imported where they are used.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from ocr.datasets import digits, emnist, real
from ocr.datasets.dataset import Labelled
from ocr.datasets.download import data_folders, download, locate, sha256
from ocr.datasets.labels import CLASSES, DataError
from ocr.datasets.real import Sample
from ocr.datasets.splits import at_most, hold_out, without
from ocr.paths import DATA, whole
from ocr.paths import ROOT as ROOT  # for the notebooks
from ocr.reading.files import find_images
from ocr.reading.images import ImageError

if TYPE_CHECKING:
    import pandas as pd

    from ocr.datasets.characters import Parts
    from ocr.datasets.sources import Source
    from ocr.drawing.forms.office import Office

CAPTCHA_URL = "https://github.com/AakashKumarNain/CaptchaCracker/raw/master/captcha_images_v2.zip"
CAPTCHA_DIGEST = "69b70dcc3b482122df31325af8cea103eb4fd5308f240c444b3b6e70a7b9cbc8"
EMNIST_URL = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
EMNIST_DIGEST = "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"
PHOTOS = {
    "pen": ("pen_photos.zip", "photographs of pen on paper"),
    "street": ("street_view.zip", "photographs of characters in the street (Chars74K)"),
}
LOGS = ROOT / "notebooks" / "curves"  # of the full profile's trainings
DRAWN_CAPTCHAS = 2500  # drawn where no real ones are found
DRAWN_CHARACTERS = 150  # of each of 62 classes, to train on


def begin() -> bool:
    """Begin a notebook: set how tables are shown, print the profile, return True for "full"."""
    import pandas as pd  # for speed: half a second

    pd.set_option("display.width", 200, "display.max_columns", None, "display.max_colwidth", 160)
    full = full_profile()
    print("profile:", "full" if full else "quick")
    return full


def full_profile() -> bool:
    """Read the profile from OCR_PROFILE: True for "full", False for "quick", the default.

    "full" gives the README's figures, "quick" runs in minutes on two cores. Raises DataError for
    anything else.
    """
    profile = os.environ.get("OCR_PROFILE", "quick")
    if profile not in ("quick", "full"):
        raise DataError(f"OCR_PROFILE={profile}: use 'quick' or 'full'")
    return profile == "full"


def expect(holds: bool, message: str):
    """Warn where a result is not as expected, as in an experiment; raise where OCR_STRICT is set.

    The tests set it. Raises AssertionError.
    """
    if holds:
        return
    if os.environ.get("OCR_STRICT"):
        raise AssertionError(message)
    print(f"note: {message}; if you have changed something above, that is your result")


def full_logs(lesson: str, logs: "Mapping[str, pd.DataFrame]") -> "dict[str, pd.DataFrame]":
    """Return the logs of the full profile's trainings of a lesson, to draw beside one's own.

    In the full profile `logs`, {label: log by epoch}, are stored in notebooks/curves/LESSON.csv,
    and nothing is returned. Logs from before they were stored have the epochs that were printed.
    """
    import pandas as pd  # for speed: half a second

    file = LOGS / f"{lesson}.csv"
    stored = pd.read_csv(file, index_col=["training", "epoch"]) if file.exists() else None
    if full_profile():
        new = pd.concat(dict(logs), names=["training", "epoch"])
        if stored is not None:
            old = stored[~stored.index.isin(list(logs), level="training")]
            new = pd.concat([old, new])
        LOGS.mkdir(exist_ok=True)
        new.to_csv(file, float_format="%.6g")
        return {}
    if stored is None:
        return {}
    groups = stored.groupby(level="training", sort=False)
    return {name: log.droplevel("training").dropna(axis=1, how="all") for name, log in groups}


def _may_download(allowed: bool | None) -> bool:
    return full_profile() if allowed is None else allowed


def _existing(names: Iterable[str]) -> Iterator[Path]:
    """List what exists of these names, in the folders where data is looked for."""
    return (path for folder in data_folders() for name in names if (path := folder / name).exists())


# --- CAPTCHAs ------------------------------------------------------------------------------------


def find_captchas(download_allowed: bool | None = None) -> tuple[Path, str]:
    """Find the CAPTCHAs as (zip or folder, what it is): on disk, else downloaded, else drawn.

    download_allowed: None: in the full profile only.
    """
    real = "captcha_images_v2, real images"
    found = ((path, real) for path in _existing(("captcha_images_v2.zip", "captcha_images_v2")))
    target = DATA / "captcha_images_v2.zip"
    fetch = lambda: (download(CAPTCHA_URL, target, _is_captchas), real)
    return locate(found, fetch if _may_download(download_allowed) else None, _draw_captchas)


def _draw_captchas() -> tuple[Path, str]:
    from ocr.drawing.captchas import captcha_zip  # for speed: captcha, Pillow

    target = DATA / "drawn" / f"captchas-{DRAWN_CAPTCHAS}.zip"
    return captcha_zip(target, DRAWN_CAPTCHAS), "drawn with the captcha package"


def _is_captchas(path: Path) -> bool:
    try:
        return content_digest(path) == CAPTCHA_DIGEST
    except ImageError:
        return False


def content_digest(path: str | Path) -> str:
    """Hash the names and contents of the images in a folder or zip, however packed: sha256 hex."""
    lines = sorted(
        f"{PurePosixPath(found.name).name} {hashlib.sha256(found.read()).hexdigest()}"
        for found in find_images(path)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


# --- handwritten characters ----------------------------------------------------------------------


def find_emnist(split: str = "bymerge", download_allowed: bool | None = None) -> tuple[Path, str]:
    """Find an EMNIST split as (folder or zip, what it is): on disk, else downloaded, else drawn.

    download_allowed: 536 MiB; None: in the full profile only. Raises DataError for a split that is
    not found and cannot be drawn.
    """
    real = "NIST SD19 in EMNIST form"
    places = _existing(("emnist", "gzip.zip", "emnist.zip"))
    found = ((path, real) for path in places if emnist.holds(path, split))
    target, verify = DATA / "gzip.zip", lambda path: sha256(path) == EMNIST_DIGEST
    fetch = lambda: (download(EMNIST_URL, target, verify), real)
    draw = lambda: (_draw_emnist(split), "drawn from fonts")
    return locate(found, fetch if _may_download(download_allowed) else None, draw)


def _draw_emnist(split: str) -> Path:
    """Draw the 62 characters from fonts as EMNIST's byclass files, DRAWN_CHARACTERS to train."""
    if split not in ("bymerge", "byclass"):
        raise DataError(
            f"EMNIST {split} was not found in {' or '.join(map(str, data_folders()))}, and only "
            "bymerge and byclass can be drawn: get it as data/README.md says"
        )
    folder = DATA / "drawn" / f"emnist-{DRAWN_CHARACTERS}"
    if folder.exists():
        return folder
    with whole(folder) as part:
        part.mkdir()
        for seed, (name, count) in enumerate((("train", DRAWN_CHARACTERS), ("test", 40))):
            stem = part / f"emnist-byclass-{name}"
            _draw_part(stem, count, seed)
        mapping = "".join(f"{i} {ord(c)}\n" for i, c in enumerate(CLASSES))
        (part / "emnist-byclass-mapping.txt").write_text(mapping)
    return folder


def _draw_part(stem: Path, count: int, seed: int):
    """Draw `count` images of each of the 62 characters, shuffled, into IDX files."""
    from tqdm import tqdm  # for speed, as the next: OpenCV, Matplotlib

    from ocr.drawing.symbols import glyphs

    wanted = np.random.default_rng(seed).permutation(list(CLASSES * count))
    about = f"drawing characters, {stem.name.rpartition('-')[2]}"
    pairs = tqdm(glyphs(wanted, seed), total=len(wanted), desc=about, disable=None)
    images = np.stack([image[:, :, 0].T for _, image in pairs])
    emnist.write_idx(f"{stem}-images-idx3-ubyte.gz", images)
    numbers = np.array([CLASSES.index(symbol) for symbol in wanted])
    emnist.write_idx(f"{stem}-labels-idx1-ubyte.gz", numbers)


def load_parts(split: str = "bymerge") -> "Parts":
    """Load the parts of an EMNIST split that lessons 01 and 02 train, validate and test on."""
    from ocr.datasets import characters  # for speed: pandas

    path, origin = find_emnist(split)
    train, test = (emnist.load_emnist(path, split, part) for part in ("train", "test"))
    return characters.given_parts(origin, train, test)


# --- handwritten digits --------------------------------------------------------------------------


def load_handwritten(
    script: str, part: str, download_allowed: bool | None = None
) -> tuple[Labelled, str]:
    """Load handwritten digits as (data, what it is), see `digits.load_handwritten`."""
    return digits.load_handwritten(script, part, data_folders(), _may_download(download_allowed))


def open_office(part: str = "test") -> "Office":
    """Gather people and machines who fill in the sample forms, see Office.

    part: "train", those whose digits and fonts readers are trained on; "tune", their fonts, but
    digits of people whom no reader knows; or "test", other digits of these, and other fonts.
    """
    from ocr.drawing import fonts  # for speed, as the next
    from ocr.drawing.forms.office import SCRIPTS, Office
    from ocr.drawing.numbers.hands import Hands
    from ocr.drawing.numbers.handwriting import hand
    from ocr.drawing.numbers.printing import press
    from ocr.training.number_kinds import FAMILIES

    writers = {}
    for script in SCRIPTS.values():
        printed = press(script, fonts.faces(FAMILIES[script][part == "test"], script))
        data, _ = load_handwritten(script, "train" if part == "train" else "test")
        if part != "train":
            data = data.take(slice(part == "test", None, 2))
        hands = Hands().add(data.images, data.labels)
        writers[script, "print"] = printed, printed
        writers[script, "hand"] = hand(script, hands), hand(script, hands, joined=0.0)
    return Office(writers)


def load_real(half: str = "ab", most: int | None = None) -> dict[str, list[Sample]]:
    """Load the real images of numbers that are found, {name: samples}; half: "a", "b" or both.

    most: of each set, about so many, taken evenly; None: all.
    """
    found = {name: real.load_real(data_folders(), name) for name in real.SETS}
    halves = {
        name: [sample for sample in samples if sample.half in half]
        for name, samples in found.items()
        if samples
    }
    return {
        name: some[:: max(1, len(some) // most) if most else 1] for name, some in halves.items()
    }


# --- characters in colour ------------------------------------------------------------------------


def load_sources(scans: int | None = None, drawn: int = 300) -> dict[str, "Source"]:
    """Load the images of lesson 03 as {name: sources.Source}.

    "pen" and "street" where their zips are found; "scans", EMNIST byclass on coloured paper, at
    most `scans` per class to train on; "fonts", `drawn` per class, tested in families that are not
    trained on. Evaluate each test part once. Raises DataError.
    """
    found = {}
    for name, (file, what) in PHOTOS.items():
        path = next(_existing((f"chars62/{file}", file)), None)
        if path:
            found[name] = _photographs(path, what)
    return found | {"scans": _scans(scans), "fonts": _signs(drawn)}


def _photographs(path: Path, what: str) -> "Source":
    from ocr.datasets import sources  # for speed: pandas

    source = sources.own_source(path, "index")
    source.what, source.balanced = what, False
    return source


def _scans(per_class: int | None) -> "Source":
    from ocr.datasets.audit import audit  # for speed, as the next: pandas, OpenCV, Matplotlib
    from ocr.datasets.sources import colour_source
    from ocr.drawing.symbols import on_paper

    path, what = find_emnist("byclass")
    data, test = (emnist.load_emnist(path, "byclass", part) for part in ("train", "test"))
    table = audit(data, 1)
    train, validation = hold_out(without(data, test), 50)
    if per_class:
        train, validation = at_most(train, per_class), at_most(validation, 10)
    for seed, part in enumerate((train, validation, test)):
        far = 0.0 if part is test else 0.5
        part.images = on_paper(part.images, np.random.default_rng(seed), far)
    return colour_source(f"{what}, 62 classes, on coloured paper", train, validation, test, table)


def _signs(per_class: int) -> "Source":
    from ocr.datasets.audit import audit  # for speed, as the next: pandas, OpenCV, Matplotlib
    from ocr.datasets.sources import colour_source
    from ocr.drawing import fonts, symbols

    counts = per_class, max(5, per_class // 15), max(10, 2 * per_class // 15)
    families = fonts.SIGNS, fonts.SIGNS, fonts.UNSEEN
    parts = []
    for seed in range(3):
        wanted = list(CLASSES * counts[seed])
        drawn = symbols.signs(wanted, seed, families[seed])
        names = [f"drawn[{i}]" for i in range(len(wanted))]
        parts.append(Labelled(np.stack([picture for _, picture in drawn]), wanted, names))
    train, validation, test = parts
    table = audit(train, 1)
    what = "drawn signs, tests in fonts not trained on"
    return colour_source(what, train, validation, test, table)


if __name__ == "__main__":  # make data
    print("CAPTCHAs: {} ({})".format(*find_captchas(download_allowed=True)))
    print("EMNIST: {} ({})".format(*find_emnist("bymerge", download_allowed=True)))
    for script in digits.HANDS:
        _, origin = load_handwritten(script, "train", download_allowed=True)
        print(f"handwritten digits, {script}: {origin}")
