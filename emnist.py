"""EMNIST: find its files, read them, draw a stand-in where there are none.

EMNIST (Cohen et al. 2017, "EMNIST: extending MNIST to handwritten letters") is NIST Special Database 19 brought to
28 x 28. Its files hold each image transposed; here images come out upright and labels as characters.
"""
from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from tqdm import tqdm

import synth
from download import download, sha256
from glyphs import SIZE
from labels import DataError
from utils import ROOT, Labelled, data_folders, full_profile

EMNIST_URL = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
EMNIST_DIGEST = "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"
DRAWN = 150  # characters of each of 62 classes drawn to train on where no real ones are found
SPLITS = ("balanced", "bymerge", "byclass", "letters", "digits", "mnist")
CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # those of byclass, in its order
MERGED = "CIJKLMOPSUVWXYZ"  # letters whose two cases are one class in bymerge and balanced


def merge(label: str) -> str:
    """A character as its class among the 47 of bymerge: the lower case of 15 letters becomes the upper."""
    return label.upper() if label.upper() in MERGED else label


# --- find --------------------------------------------------------------------------------------------------------

def find_emnist(split: str = "bymerge", download_allowed: bool | None = None) -> tuple[Path, str]:
    """The files of an EMNIST split as (folder or zip, what it is): found, else downloaded (536 MiB), else drawn.

    Downloading is tried only where it is allowed: by default in the full profile. Raises DataError for a split that is
    not there and cannot be drawn.
    """
    for folder in data_folders():
        for name in ("emnist", "gzip.zip", "emnist.zip"):
            if (folder / name).exists() and _holds(folder / name, split):
                return folder / name, "NIST SD19 in EMNIST form"
    if full_profile() if download_allowed is None else download_allowed:
        try:
            path = download(EMNIST_URL, ROOT / "data" / "gzip.zip", lambda path: sha256(path) == EMNIST_DIGEST)
            return path, "NIST SD19 in EMNIST form"
        except DataError as error:
            print(error)
    if split not in ("bymerge", "byclass"):
        raise DataError(f"EMNIST {split} was not found in {' or '.join(map(str, data_folders()))}, and only bymerge and byclass "
                        "can be drawn: get it as data/README.md says")
    return _drawn(ROOT / "data" / "drawn" / f"emnist-{DRAWN}"), "drawn by synth.py from fonts"


def _holds(path: Path, split: str) -> bool:
    files = _files(path)
    stems = [f"emnist-{split}"] + ["emnist-byclass"] * (split == "bymerge")
    return any(_first(files, f"{s}-train-images-idx3-ubyte") or _first(files, f"{s}-train.csv") for s in stems)


def _drawn(folder: Path) -> Path:
    """The 62 characters drawn by synth.py, laid down as EMNIST's byclass files: train DRAWN a class, test 40."""
    if folder.exists():
        return folder
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    part.mkdir(parents=True, exist_ok=True)
    for seed, (name, count) in enumerate((("train", DRAWN), ("test", 40))):
        symbols = np.random.default_rng(seed).permutation(list(CLASSES * count))
        pairs = tqdm(synth.glyphs(symbols, seed), total=len(symbols), desc=f"drawing characters, {name}", disable=None)
        images = np.stack([image[:, :, 0].T for _, image in pairs])
        write_idx(part / f"emnist-byclass-{name}-images-idx3-ubyte.gz", images)
        write_idx(part / f"emnist-byclass-{name}-labels-idx1-ubyte.gz", np.array([CLASSES.index(s) for s in symbols]))
    (part / "emnist-byclass-mapping.txt").write_text("".join(f"{i} {ord(c)}\n" for i, c in enumerate(CLASSES)))
    part.rename(folder)
    return folder


# --- read ----------------------------------------------------------------------------------------------

def load_emnist(path, split: str, part: str = "train") -> Labelled:
    """One split of EMNIST, `part` "train" or "test", from a folder or zip (NIST's gzip.zip) that holds its files.

    IDX files, gzipped or not, are taken before the CSV edition; where bymerge is asked for and only byclass is there,
    its classes are merged. Images are uint8 (n, 28, 28, 1), upright. Raises DataError.
    """
    if split not in SPLITS or part not in ("train", "test"):
        raise DataError(f"EMNIST has no {part} part of a split {split!r}: use train or test, and {', '.join(SPLITS)}")
    files = _files(Path(path))
    stem = f"emnist-{split}"
    images_name = _first(files, f"{stem}-{part}-images-idx3-ubyte")
    table_name = _first(files, f"{stem}-{part}.csv")
    if images_name:
        images = read_idx(files[images_name](), f"{path}/{images_name}", 3)
        labels_name = _first(files, f"{stem}-{part}-labels-idx1-ubyte")
        if labels_name is None:
            raise DataError(f"{path}: {images_name} has no {stem}-{part}-labels-idx1-ubyte beside it")
        numbers = read_idx(files[labels_name](), f"{path}/{labels_name}", 1)
    elif table_name:
        numbers, images = _read_csv(files[table_name], f"{path}/{table_name}")
    elif split == "bymerge" and any(name.startswith("emnist-byclass") for name in files):
        data = load_emnist(path, "byclass", part)
        data.labels = list(map(merge, data.labels))
        return data
    else:
        raise DataError(f"{path}: no files of EMNIST {split}, {part} ({stem}-{part}-images-idx3-ubyte, .gz or not, or "
                        f"{stem}-{part}.csv)")
    if images.shape[1:] != (SIZE, SIZE) or len(images) != len(numbers):
        raise DataError(f"{path}: EMNIST {split}, {part}: {len(numbers)} labels for images {images.shape}: the files do not "
                        "belong together; get them again")
    mapping_name = _first(files, f"{stem}-mapping.txt")
    if mapping_name is None:
        raise DataError(f"{path}: {stem}-mapping.txt is missing: it says which character a number stands for")
    mapping = read_mapping(files[mapping_name](), mapping_name)
    unknown = sorted(set(np.unique(numbers).tolist()) - mapping.keys())
    if unknown:
        raise DataError(f"{path}: label {unknown[0]} is not in {mapping_name}: the files do not belong together")
    upright = np.ascontiguousarray(images.transpose(0, 2, 1))[..., None]
    return Labelled(upright, [mapping[n] for n in numbers.tolist()], [f"{stem}-{part}[{i}]" for i in range(len(numbers))])


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
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            raise DataError(f"{path}: {info.filename} cannot be unpacked ({error}): get the archive again") from None
    return {PurePosixPath(info.filename).name: lambda i=info: member(i) for info in archive.infolist() if not info.is_dir()}


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
        raise DataError(f"{name}: not an IDX file of bytes in {dimensions} dimensions (it begins {data[:4].hex(' ')!r}): "
                        "get it again")
    shape = tuple(int.from_bytes(data[i:i + 4], "big") for i in range(4, head, 4))
    expected = int(np.prod(shape, dtype=object))
    if len(data) - head != expected:
        raise DataError(f"{name}: holds {len(data) - head} bytes where its header says {expected}: get it again")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def write_idx(path: Path, array: np.ndarray):
    """Write a uint8 array as a gzipped IDX file."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes(), 6, mtime=0))


def _read_csv(read, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(labels, images as stored) of EMNIST's CSV edition: a label and 784 pixels a line, no heading."""
    try:
        table = pd.read_csv(io.BytesIO(read()), header=None, dtype=np.uint8).to_numpy()
    except (ValueError, OverflowError) as error:
        raise DataError(f"{name}: not a table of bytes ({str(error).splitlines()[0]}): get it again") from None
    if table.shape[1] != 1 + SIZE * SIZE:
        raise DataError(f"{name}: {table.shape[1]} columns instead of a label and {SIZE * SIZE} pixels: get it again")
    return table[:, 0], table[:, 1:].reshape(-1, SIZE, SIZE)


def read_mapping(data: bytes, name: str) -> dict[int, str]:
    """{number: character} from a mapping file: lines of a number and a character's code, upper case first."""
    try:
        rows = [list(map(int, line.split())) for line in data.decode("ascii").splitlines() if line.strip()]
        return {number: chr(codes[0]) for number, *codes in rows}
    except (ValueError, IndexError):
        raise DataError(f"{name}: not lines of a number and a character's code: get it again") from None
