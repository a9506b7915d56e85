"""EMNIST's files: read them, write them.

EMNIST (Cohen et al. 2017, "EMNIST: extending MNIST to handwritten letters") is NIST Special Database 19 brought to
28 x 28. Its files hold each image transposed; here images come out upright and labels as characters.
"""

import gzip
import io
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np

from ocr.datasets.dataset import Labelled
from ocr.datasets.labels import DataError
from ocr.reading.inputs import SIDE

SPLITS = ("balanced", "bymerge", "byclass", "letters", "digits", "mnist")
MERGED = "CIJKLMOPSUVWXYZ"  # letters whose two cases are one class in bymerge and balanced


def merge(label: str) -> str:
    """A character as its class among the 47 of bymerge: the lower case of 15 letters becomes the upper."""
    return label.upper() if label.upper() in MERGED else label


def holds(path: Path, split: str) -> bool:
    """Are the files of an EMNIST split in this folder or zip (those of byclass do for bymerge)?"""
    files = _files(path)
    stems = [f"emnist-{split}"] + ["emnist-byclass"] * (split == "bymerge")
    return any(
        _first(files, f"{s}-train-images-idx3-ubyte") or _first(files, f"{s}-train.csv")
        for s in stems
    )


def load_emnist(path, split: str, part: str = "train") -> Labelled:
    """One split of EMNIST, `part` "train" or "test", from a folder or zip (NIST's gzip.zip) that holds its files.

    IDX files, gzipped or not, are taken before the CSV edition; where bymerge is asked for and only byclass is there,
    its classes are merged. Images are uint8 (n, 28, 28, 1), upright. Raises DataError.
    """
    if split not in SPLITS or part not in ("train", "test"):
        raise DataError(
            f"EMNIST has no {part} part of a split {split!r}: use train or test, and {', '.join(SPLITS)}"
        )
    files = _files(Path(path))
    stem = f"emnist-{split}"
    images_name = _first(files, f"{stem}-{part}-images-idx3-ubyte")
    table_name = _first(files, f"{stem}-{part}.csv")
    if images_name:
        images = read_idx(files[images_name](), f"{path}/{images_name}", 3)
        labels_name = _first(files, f"{stem}-{part}-labels-idx1-ubyte")
        if labels_name is None:
            raise DataError(
                f"{path}: {images_name} has no {stem}-{part}-labels-idx1-ubyte beside it"
            )
        numbers = read_idx(files[labels_name](), f"{path}/{labels_name}", 1)
    elif table_name:
        numbers, images = _read_csv(files[table_name], f"{path}/{table_name}")
    elif split == "bymerge" and any(name.startswith("emnist-byclass") for name in files):
        data = load_emnist(path, "byclass", part)
        data.labels = list(map(merge, data.labels))
        return data
    else:
        raise DataError(
            f"{path}: no files of EMNIST {split}, {part} ({stem}-{part}-images-idx3-ubyte, .gz or not, or "
            f"{stem}-{part}.csv)"
        )
    if images.shape[1:] != (SIDE, SIDE) or len(images) != len(numbers):
        raise DataError(
            f"{path}: EMNIST {split}, {part}: {len(numbers)} labels for images {images.shape}: the files do not "
            "belong together; get them again"
        )
    mapping_name = _first(files, f"{stem}-mapping.txt")
    if mapping_name is None:
        raise DataError(
            f"{path}: {stem}-mapping.txt is missing: it says which character a number stands for"
        )
    mapping = read_mapping(files[mapping_name](), mapping_name)
    unknown = sorted(set(np.unique(numbers).tolist()) - mapping.keys())
    if unknown:
        raise DataError(
            f"{path}: label {unknown[0]} is not in {mapping_name}: the files do not belong together"
        )
    upright = np.ascontiguousarray(images.transpose(0, 2, 1))[..., None]
    return Labelled(
        upright,
        [mapping[n] for n in numbers.tolist()],
        [f"{stem}-{part}[{i}]" for i in range(len(numbers))],
    )


def _files(path: Path) -> dict:
    """{name without folders: function giving its bytes} of a folder or zip."""
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if path.is_dir():
        return {file.name: file.read_bytes for file in sorted(path.rglob("*")) if file.is_file()}
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path}: not a zip that can be opened ({error}): get it again") from None

    def member(info):
        try:
            return archive.read(info)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            RuntimeError,
            NotImplementedError,
        ) as error:
            raise DataError(
                f"{path}: {info.filename} cannot be unpacked ({error}): get the archive again"
            ) from None

    return {
        PurePosixPath(info.filename).name: lambda i=info: member(i)
        for info in archive.infolist()
        if not info.is_dir()
    }


def _first(files: dict, name: str) -> str | None:
    return next((n for n in (f"{name}.gz", name) if n in files), None)


def read_idx(data: bytes, name: str, dimensions: int) -> np.ndarray:
    """The uint8 array in an IDX file's bytes, gzipped or not (LeCun's format). Raises DataError naming `name`."""
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{name}: damaged or cut short ({error}): get it again") from None
    head = 4 + 4 * dimensions
    if len(data) < head or data[:4] != bytes([0, 0, 8, dimensions]):
        raise DataError(
            f"{name}: not an IDX file of bytes in {dimensions} dimensions (it begins {data[:4].hex(' ')!r}): "
            "get it again"
        )
    shape = tuple(int.from_bytes(data[i : i + 4], "big") for i in range(4, head, 4))
    expected = int(np.prod(shape, dtype=object))
    if len(data) - head != expected:
        raise DataError(
            f"{name}: holds {len(data) - head} bytes where its header says {expected}: get it again"
        )
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def write_idx(path: Path, array: np.ndarray):
    """Write a uint8 array as a gzipped IDX file."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes(), 6, mtime=0))


def _read_csv(read, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(labels, images as stored) of EMNIST's CSV edition: a label and 784 pixels a line, no heading."""
    import pandas as pd  # it takes half a second, and few have this edition

    try:
        table = pd.read_csv(io.BytesIO(read()), header=None, dtype=np.uint8).to_numpy()
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"{name}: not a table of bytes ({str(error).splitlines()[0]}): get it again"
        ) from None
    if table.shape[1] != 1 + SIDE * SIDE:
        raise DataError(
            f"{name}: {table.shape[1]} columns instead of a label and {SIDE * SIDE} pixels: get it again"
        )
    return table[:, 0], table[:, 1:].reshape(-1, SIDE, SIDE)


def read_mapping(data: bytes, name: str) -> dict[int, str]:
    """{number: character} from a mapping file: lines of a number and a character's code, upper case first."""
    try:
        rows = [
            list(map(int, line.split()))
            for line in data.decode("ascii").splitlines()
            if line.strip()
        ]
        return {number: chr(codes[0]) for number, *codes in rows}
    except (ValueError, IndexError):
        raise DataError(
            f"{name}: not lines of a number and a character's code: get it again"
        ) from None
