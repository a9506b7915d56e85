"""The images of a folder: listed, shown, thumbnailed, and compared for near-duplicates."""

import io
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from ocr.reading.files import Found, find_images
from ocr.reading.images import ImageError, open_image

THUMBNAIL, LARGE = 160, 1600  # longest sides, pixels
KEPT = 2**26  # bytes of shown images in memory
PNG_PIXELS = 2**17  # larger pictures are sent as JPEG
BREAK = 0.001  # seconds between hashes, in which requests are answered
NEAR = 6  # bits of a hash that near-duplicates may differ in: the same picture saved again
HASH = (32, 16)  # neighbours compared: across, down; lines of text are wide
STEP = 12  # grey levels: smaller differences of neighbours are noise,
FAINT = 2, 8  # in faint pictures those below an eighth of their range, at least 2 levels
ONES = np.array([number.bit_count() for number in range(2**16)], np.uint8)
UNNAMEABLE = "labels.csv cannot hold its name: rename it (no control characters, no backslash)"
EMPTY = "no images in it: give a folder with png, jpg, bmp, webp, gif or tiff files"


class Images:
    """The images of a folder by their names relative to it. Raises ImageError where it has none.

    names   sorted
    faults  {name: why it cannot be shown}, as it turns out
    hashed  the number of images whose hashes are known so far
    twins   {image: those that nearly repeat it}, of the images that were compared
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise ImageError(f"{folder}: {self._refusal()}")
        prefix = len(self.folder.as_posix().rstrip("/")) + 1
        if self.folder == Path():  # listed without the folder's name
            prefix = 0
        self._found: dict[str, Found] = {f.name[prefix:]: f for f in find_images(self.folder)}
        if not self._found:
            raise ImageError(f"{folder}: {EMPTY}")
        self.names = list(self._found)
        self.faults = {name: f.fault for name, f in self._found.items() if f.fault is not None}
        self.faults |= {name: UNNAMEABLE for name in self.names if not _is_nameable(name)}
        self._shown: OrderedDict[tuple[str, int], tuple[bytes, str]] = OrderedDict()
        self._size, self._mutex = 0, threading.Lock()
        self._rows = {name: row for row, name in enumerate(self.names)}
        self._hashes = np.zeros((len(self.names), HASH[0] * HASH[1] // 4), np.uint8)
        self._is_hashed = np.zeros(len(self.names), bool)
        self.twins: dict[str, set[str]] = {}
        self._early: set[str] = set()  # compared before all hashes were known
        self._comparing, self._all_hashed = threading.Lock(), False

    def _refusal(self) -> str:
        if not self.folder.exists():
            return "no such folder"
        if self.folder.suffix.lower() == ".zip":
            return "labels are written beside the images: unpack the zip, and give its folder"
        return "not a folder: give the folder of the images"

    def __contains__(self, name: object) -> bool:
        return name in self._found

    @property
    def hashed(self) -> int:
        return int(self._is_hashed.sum())

    def found(self, names: Iterable[str]) -> list[Found]:
        """Return images for `bulk.read_many`, which will name them as here."""
        return [self._found[name]._replace(name=name) for name in names]

    def check(self, name: str) -> bool:
        """Is an image still there? If not, say so in `faults`."""
        if name not in self.faults and not (self.folder / name).exists():
            self.faults[name] = "no longer there"
        return name not in self.faults

    def open(self, name: str) -> Image.Image:
        """Open an image. Raises ImageError, and notes it in `faults`."""
        try:
            return open_image(self._found[name].read())
        except (ImageError, MemoryError) as error:
            self.faults[name] = str(error) or "too large for the memory"
            raise ImageError(self.faults[name]) from None

    def show(self, name: str, side: int = LARGE) -> tuple[bytes, str]:
        """Encode an image for a browser, at most `side` pixels long: (bytes, media type)."""
        key = (name, side)
        with self._mutex:
            if key in self._shown:
                self._shown.move_to_end(key)
                return self._shown[key]
        shown = _encode(self.open(name), side)
        with self._mutex:
            if key not in self._shown:
                self._shown[key] = shown
                self._size += len(shown[0])
            while self._size > KEPT and len(self._shown) > 1:
                self._size -= len(self._shown.popitem(last=False)[1][0])
        return shown

    # --- near-duplicates

    def hash_all(self, stop: Callable[[], bool]) -> None:
        """Compute the hashes of all images, until `stop()`; for a thread in the background."""
        for name in self.names:
            if stop():
                return
            self._hash(name)
            time.sleep(BREAK)
        self._all_hashed = True

    def compare(self, names: Iterable[str], stop: Callable[[], bool] = bool) -> None:
        """Find the near-duplicates of images, once each; any two of them know each other."""
        with self._comparing:
            if self._all_hashed and self._early:
                again, self._early = self._early, set()
                for name in again:
                    self.twins.pop(name, None)
            for name in names:
                if name not in self.twins and not stop():
                    self._compare(name)

    def _compare(self, name: str) -> None:
        self.twins[name] = near = self.nearly_same(name)
        for other in near & self.twins.keys():
            if name not in self.twins[other]:
                self.twins[other] = self.twins[other] | {name}
        if not self._all_hashed:
            self._early.add(name)

    def _hash(self, name: str) -> None:
        row = self._rows[name]
        if self._is_hashed[row] or name in self.faults:
            return
        try:
            self._hashes[row] = difference_hash(self.open(name))
        except ImageError:
            return
        self._is_hashed[row] = True

    def nearly_same(self, name: str) -> set[str]:
        """Find the images that nearly repeat an image, among those hashed so far."""
        if name not in self._rows:
            return set()
        self._hash(name)
        row = self._rows[name]
        if not self._is_hashed[row]:
            return set()
        words = self._hashes.view(np.uint16)
        bits = ONES[words ^ words[row]].sum(axis=1, dtype=np.uint16)
        near = np.flatnonzero((bits <= NEAR) & self._is_hashed)
        return {self.names[other] for other in near if other != row}


def _is_nameable(name: str) -> bool:
    """Does a name come back from labels.csv as it was?"""
    return name == name.strip() and name.isprintable() and "\\" not in name


def _encode(picture: Image.Image, side: int) -> tuple[bytes, str]:
    picture.thumbnail((side, side))
    out = io.BytesIO()
    if picture.width * picture.height <= PNG_PIXELS:
        picture.save(out, "PNG", compress_level=1)
        return out.getvalue(), "image/png"
    picture.save(out, "JPEG", quality=90)
    return out.getvalue(), "image/jpeg"


def difference_hash(picture: Image.Image) -> np.ndarray:
    """Hash a picture by where it gets lighter and where darker, left to right: uint8 (128,).

    Pictures of other digits differ in 7 bits or more, the same one saved as JPEG in 2 to 4.
    Difference hash: N. Krawetz, "Kind of like that", hackerfactor.com, 2013.
    """
    across, down = HASH
    grey = picture.convert("L").resize((across + 1, down), Image.Resampling.BOX)
    levels = np.asarray(grey, np.int16)
    step = min(STEP, max(FAINT[0], int(np.ptp(levels)) // FAINT[1]))
    steps = np.diff(levels)
    return np.packbits([steps > step, steps < -step])
