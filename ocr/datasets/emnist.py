"""Read and write the files of EMNIST.

EMNIST (Cohen et al. 2017, "EMNIST: extending MNIST to handwritten letters") is NIST Special
Database 19 converted to 28 x 28. Its files store each image transposed; here images are upright and
labels are characters.
"""

import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from ocr.datasets.dataset import Labelled
from ocr.datasets.labels import DataError
from ocr.reading.inputs import SIDE

SPLITS = ("balanced", "bymerge", "byclass", "letters", "digits", "mnist")
MERGED = "CIJKLMOPSUVWXYZ"  # letters whose two cases are one class in bymerge and balanced

Files = dict[str, Callable[[], bytes]]  # {name without folders: function that returns its bytes}


def merge(label: str) -> str:
    """Map a character to its class among the 47 of bymerge: 15 lower-case letters to upper case."""
    return label.upper() if label.upper() in MERGED else label


def holds(path: str | os.PathLike, split: str) -> bool:
    """Check whether a folder or zip has an EMNIST split; byclass counts as bymerge, too."""
    files = _files(path)
    stems = [f"emnist-{split}"] + ["emnist-byclass"] * (split == "bymerge")
    return any(
        _first(files, f"{stem}-train-images-idx3-ubyte") or _first(files, f"{stem}-train.csv")
        for stem in stems
    )


def load_emnist(path: str | os.PathLike, split: str, part: str = "train") -> Labelled:
    """Load a part ("train" or "test") of an EMNIST split from a folder or zip of its files.

    IDX files, gzipped or not, are preferred to the CSV edition; where bymerge is requested and only
    byclass is there, its classes are merged. NIST's gzip.zip is such a zip. Images are uint8
    (n, 28, 28, 1), upright. Raises DataError.
    """
    if split not in SPLITS or part not in ("train", "test"):
        raise DataError(
            f"EMNIST has no {part} part of a split {split!r}: use train or test, and "
            f"{', '.join(SPLITS)}"
        )
    files, stem = _files(path), f"emnist-{split}"
    stored = _read_part(path, files, f"{stem}-{part}")
    if stored is None:
        if split == "bymerge" and any(name.startswith("emnist-byclass") for name in files):
            data = load_emnist(path, "byclass", part)
            data.labels = list(map(merge, data.labels))
            return data
        raise DataError(
            f"{path}: no files of EMNIST {split}, {part} ({stem}-{part}-images-idx3-ubyte, .gz or "
            f"not, or {stem}-{part}.csv)"
        )
    images, numbers = stored
    if images.shape[1:] != (SIDE, SIDE) or len(images) != len(numbers):
        raise DataError(
            f"{path}: EMNIST {split}, {part}: {len(numbers)} labels for images {images.shape}: the "
            "files do not match; download them again"
        )
    mapping = _mapping(path, files, f"{stem}-mapping.txt", numbers)
    upright = np.ascontiguousarray(images.transpose(0, 2, 1))[..., None]
    labels = [mapping[n] for n in numbers.tolist()]
    return Labelled(upright, labels, [f"{stem}-{part}[{i}]" for i in range(len(labels))])


def _files(path: str | os.PathLike) -> Files:
    """List the files of a folder or zip. Raises DataError."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if path.is_dir():
        return {file.name: file.read_bytes for file in sorted(path.rglob("*")) if file.is_file()}
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(
            f"{path}: not a zip that can be opened ({error}): download it again"
        ) from None
    members = [info for info in archive.infolist() if not info.is_dir()]
    return {
        PurePosixPath(info.filename).name: partial(_unpack, path, archive, info) for info in members
    }


def _unpack(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(info)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,  # a password, too
        NotImplementedError,
    ) as error:
        raise DataError(
            f"{path}: {info.filename} cannot be unpacked ({error}): download the archive again"
        ) from None


def _first(files: Files, name: str) -> str | None:
    return next((n for n in (f"{name}.gz", name) if n in files), None)


def _read_part(
    path: str | os.PathLike, files: Files, stem: str
) -> tuple[np.ndarray, np.ndarray] | None:
    """Read (images, numbers of their classes), as stored; None where there are no such files."""
    if name := _first(files, f"{stem}-images-idx3-ubyte"):
        images = read_idx(files[name](), f"{path}/{name}", 3)
        labels = _first(files, f"{stem}-labels-idx1-ubyte")
        if labels is None:
            raise DataError(f"{path}: {name} has no {stem}-labels-idx1-ubyte beside it")
        return images, read_idx(files[labels](), f"{path}/{labels}", 1)
    if name := _first(files, f"{stem}.csv"):
        return _read_csv(files[name](), f"{path}/{name}")
    return None


def read_idx(data: bytes, name: str, dimensions: int) -> np.ndarray:
    """Read the uint8 array of an IDX file's bytes, gzipped or not (LeCun's format).

    Raises DataError, naming the file `name`.
    """
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{name}: damaged or truncated ({error}): download it again") from None
    head = 4 + 4 * dimensions
    if len(data) < head or data[:4] != bytes([0, 0, 8, dimensions]):
        raise DataError(
            f"{name}: not an IDX file of bytes in {dimensions} dimensions (it begins with "
            f"{data[:4].hex(' ')!r}): download it again"
        )
    shape = tuple(int.from_bytes(data[i : i + 4], "big") for i in range(4, head, 4))
    expected = int(np.prod(shape, dtype=object))
    if len(data) - head != expected:
        raise DataError(
            f"{name}: has {len(data) - head} bytes where its header says {expected}: download it "
            "again"
        )
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def write_idx(path: str | os.PathLike, array: np.ndarray):
    """Write a uint8 array as a gzipped IDX file."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    data = head + array.astype(np.uint8).tobytes()
    Path(path).write_bytes(gzip.compress(data, 6, mtime=0))


def _read_csv(data: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Read (images, numbers of their classes) of the CSV edition: 785 columns, no header."""
    import pandas as pd  # for speed: half a second, and few have this edition

    try:
        table = pd.read_csv(io.BytesIO(data), header=None, dtype=np.uint8).to_numpy()
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"{name}: not a table of bytes ({str(error).splitlines()[0]}): download it again"
        ) from None
    if table.shape[1] != 1 + SIDE * SIDE:
        raise DataError(
            f"{name}: {table.shape[1]} columns instead of a label and {SIDE * SIDE} pixels: "
            "download it again"
        )
    return table[:, 1:].reshape(-1, SIDE, SIDE), table[:, 0]


def _mapping(
    path: str | os.PathLike, files: Files, wanted: str, numbers: np.ndarray
) -> dict[int, str]:
    """Read the mapping file of a split: {number: character}, with all of `numbers` in it."""
    name = _first(files, wanted)
    if name is None:
        raise DataError(f"{path}: {wanted} is missing: it maps the classes' numbers to characters")
    mapping = read_mapping(files[name](), name)
    unknown = sorted(set(np.unique(numbers).tolist()) - mapping.keys())
    if unknown:
        raise DataError(
            f"{path}: label {unknown[0]} is not in {name}: the files do not match; download them "
            "again"
        )
    return mapping


def read_mapping(data: bytes, name: str) -> dict[int, str]:
    """Read {number: character} from the bytes of a mapping file `name`. Raises DataError.

    Its lines are a number and codes of characters, the upper case first.
    """
    lines = data.decode("ascii", "replace").splitlines()
    try:
        rows = [list(map(int, line.split())) for line in lines if line.strip()]
        return {number: chr(codes[0]) for number, *codes in rows}
    except (ValueError, IndexError):
        raise DataError(
            f"{name}: not lines of a number and a character's code: download it again"
        ) from None
