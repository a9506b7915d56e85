"""Images of characters as two views, with binary twins beside them."""

from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from ocr.datasets.characters import decode_characters
from ocr.datasets.dataset import Labelled, join
from ocr.datasets.labels import list_files
from ocr.reading.files import Found
from ocr.reading.images import ImageError, open_image
from ocr.reading.inputs import Views, twin_view, views

TWIN = "-bin"  # what a folder of binary twins is named after the folder of pictures
ASPECT = 0.1  # by how much the shape of a twin may differ from its picture's


def load_views(
    path, naming: str | None = None
) -> tuple[Labelled, dict[str, np.ndarray], list[str]]:
    """Images of one character each as uint8 (n, 28, 28, 4) (views.py); their binary twins; what is wrong with twins.

    Labels as in characters.load_characters. Twins are {name of the picture: uint8 (28, 28, 1)}, from a folder NAME-bin
    beside a folder NAME, `path` itself or inside it, with the same names but for the extension. A picture without a
    twin, or whose twin cannot be used, has the binary view that is made of it. Raises DataError.
    """
    path = Path(path)
    files, twins = _apart(path, list_files(path))
    data = decode_characters(path, files, naming, Views.shape, lambda picture: views(picture)[0])
    return data, *_fitting(data, files, twins)


def _apart(path: Path, files: list[Found]) -> tuple[list[Found], dict[str, Found]]:
    """(all files but twins, {name of a picture without its extension: its twin})."""
    zipped = path.suffix.lower() == ".zip"
    beside = (
        path.with_name(path.stem + TWIN + path.suffix if zipped else path.name + TWIN)
        if path.name
        else path
    )
    if beside != path and beside.exists():
        files = files + list_files(beside)
    folders = {folder for f in files for folder in PurePosixPath(f.name).parents} | {
        PurePosixPath(path.as_posix())
    }
    others, twins = [], {}
    for f in files:
        original = _original(PurePosixPath(f.name), folders)
        if original is None:
            others.append(f)
        elif Found(str(original), f.read).is_image:
            twins[str(original.with_suffix(""))] = f
    return others, twins


def _original(name: PurePosixPath, folders: set) -> PurePosixPath | None:
    """The name of the picture whose twin this file is: the same but for one folder NAME-bin, beside which is a NAME."""
    for folder in name.parents:
        plain = folder.with_name(folder.name.replace(TWIN, "")) if TWIN in folder.name else folder
        if plain != folder and plain in folders:
            return plain / name.relative_to(folder)
    return None


def _fitting(
    data: Labelled, files: list[Found], twins: dict[str, Found]
) -> tuple[dict[str, np.ndarray], list[str]]:
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
        raise ImageError(
            f"{twin.width} x {twin.height} for a picture of {picture.width} x {picture.height}: another shape"
        )
    return twin_view(picture, twin)


def with_twins(data: Labelled, twins: dict[str, np.ndarray]) -> Labelled:
    """`data`, and once more the images that have a twin, with it as their binary view: a network learns from both, as
    it will be given the view that is made of the picture.
    """
    rows = [i for i, name in enumerate(data.names) if name in twins]
    again = data.take(rows)
    if rows:
        again.images = np.concatenate(
            [again.images[..., :3], np.stack([twins[name] for name in again.names])], axis=3
        )
    return join([data, again])
