"""Images of characters as views, with binary twins: black-and-white versions of the pictures."""

import os
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from ocr.datasets.characters import decode_characters
from ocr.datasets.dataset import Labelled, join
from ocr.datasets.labels import Columns, list_files
from ocr.reading.files import Found
from ocr.reading.images import ImageError, open_image
from ocr.reading.inputs import SIDE, Views, twin_view

TWIN = "-bin"  # suffix of a folder of twins: its name is that of the folder of pictures and this
ASPECT = 0.1  # tolerated difference of the logarithms of the aspect ratios of a picture and a twin


def load_views(
    path: str | os.PathLike, naming: str | None = None, columns: Columns | None = None
) -> tuple[Labelled, dict[str, np.ndarray], list[str]]:
    """Load images of one character each as views: (data, twins, problems with twins).

    data      images uint8 (n, 28, 28, 4), see `inputs.views`; labels as in `load_characters`
    twins     {name of the picture: uint8 (28, 28, 1)}; from a folder NAME-bin beside a folder NAME
              (`path` itself or inside it), with the same file names but for the extension
    problems  one message per twin that is missing or cannot be used: the picture has the binary
              channel made of it; having no twins at all is not a problem

    Raises DataError.
    """
    path = Path(path)
    files, twins = _separate(path, list_files(path))
    data = decode_characters(path, files, naming, Views((SIDE, SIDE), 4), columns)
    return data, *_match(data, files, twins)


def _separate(path: Path, files: list[Found]) -> tuple[list[Found], dict[str, Found]]:
    """Separate files: (all but twins, {name of a picture without its extension: its twin})."""
    beside = _twin_folder(path)
    if beside != path and beside.exists():
        files = files + list_files(beside)
    folders = {folder for f in files for folder in PurePosixPath(f.name).parents}
    folders.add(PurePosixPath(path.as_posix()))
    others: list[Found] = []
    twins: dict[str, Found] = {}
    for f in files:
        original = _original(PurePosixPath(f.name), folders)
        if original is None:
            others.append(f)
        elif f.is_image:
            twins[str(original.with_suffix(""))] = f
    return others, twins


def _twin_folder(path: Path) -> Path:
    """Name the folder or zip of twins beside `path`; `path` itself where it has no name."""
    if not path.name:
        return path
    if path.suffix.lower() == ".zip":
        return path.with_name(path.stem + TWIN + path.suffix)
    return path.with_name(path.name + TWIN)


def _original(name: PurePosixPath, folders: set[PurePosixPath]) -> PurePosixPath | None:
    """Name the picture that a file is the twin of, or None: it is in a NAME-bin beside a NAME."""
    for folder in name.parents:
        plain = folder.with_name(folder.name.replace(TWIN, "")) if TWIN in folder.name else folder
        if plain != folder and plain in folders:
            return plain / name.relative_to(folder)
    return None


def _match(
    data: Labelled, files: list[Found], twins: dict[str, Found]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Match twins to the pictures of `data`: (twins, problems), see `load_views`."""
    views: dict[str, np.ndarray] = {}
    problems: list[str] = []
    pictures = {f.name: f for f in files}
    for name in data.names if twins else ():
        twin = twins.get(str(PurePosixPath(name).with_suffix("")))
        if twin is None:
            problems.append(f"{name}: no binary twin; made from the picture")
            continue
        try:
            views[name] = _view(open_image(pictures[name].read()), open_image(twin.read()))
        except ImageError as error:
            problems.append(f"{twin.name}: {error}; made from the picture")
    return views, problems


def _view(picture: Image.Image, twin: Image.Image) -> np.ndarray:
    """Make a picture's binary channel of its twin. Raises ImageError for another aspect ratio."""
    if abs(np.log(twin.width * picture.height / (twin.height * picture.width))) > ASPECT:
        raise ImageError(
            f"{twin.width} x {twin.height} for a picture of {picture.width} x {picture.height}: "
            "another aspect ratio"
        )
    return twin_view(picture, twin)


def with_twins(data: Labelled, twins: dict[str, np.ndarray]) -> Labelled:
    """Append once more those images of `data` that have a twin, with it as their binary channel.

    A network learns from both, as it will be given the channel that is made of the picture.
    """
    rows = [i for i, name in enumerate(data.names) if name in twins]
    if not rows:
        return data
    again = data.take(rows)
    binary = np.stack([twins[name] for name in again.names])
    again.images = np.concatenate([again.images[..., :3], binary], axis=3)
    return join([data, again])
