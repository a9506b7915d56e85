"""Characters from several sources: folders however named, binary twins, what is missing, and no leak between parts."""

import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from ocr.datasets import sources, splits
from ocr.datasets.labels import CLASSES, DataError
from ocr.datasets.sources import absent, own_source
from ocr.datasets.twins import load_views
from ocr.drawing import fonts
from ocr.drawing.symbols import signs
from ocr.reading.images import open_image
from ocr.reading.inputs import binary, views
from utils import load_sources


def lay(folder, symbols, name=lambda symbol: symbol, suffix=".png", seed=0):
    """Signs in folders named by `name`; returns the pictures by file name."""
    made = {}
    for i, (symbol, picture) in enumerate(signs(symbols, seed)):
        file = folder / name(symbol) / f"{i}{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(file)
        made[file.as_posix()] = picture
    return made


@pytest.mark.parametrize(
    "name, suffix",
    [
        (lambda s: str(CLASSES.index(s)), ".png"),
        (lambda s: s, ".PNG"),
        (lambda s: f"{ord(s):02x}", ".bmp"),
    ],
)
def test_folders_by_number_by_name_and_by_code(tmp_path, name, suffix):
    symbols = "7Az" * 4
    made = lay(tmp_path / "data", symbols, name, suffix)
    data, twins, faults = load_views(tmp_path / "data")
    assert sorted(data.labels) == sorted(symbols) and not twins and not faults
    for image, file in zip(data.images, data.names):
        assert np.array_equal(image, views(open_image(made[file]))[0])
    assert np.array_equal(data.images[..., 3:], binary(data.images[..., :3]))


def test_mixed_folders_keep_what_is_one_character(tmp_path):
    lay(tmp_path / "data", "7A" * 3)
    lay(tmp_path / "data", "B" * 3, lambda _: "bee")
    data, _, _ = load_views(tmp_path / "data")
    assert sorted(data.labels) == list("777AAA") and len(data.unlabelled) == 3
    assert data.unlabelled[0].endswith("'bee' is not one character")
    with pytest.raises(DataError, match="folder 'A' is not a class by index: rename it"):
        load_views(tmp_path / "data", "index")


def own(folder, symbols="0123456789" * 6):
    made = lay(folder, symbols)
    return {name: binary(picture[None])[0, :, :, 0] for name, picture in made.items()}


def twin_files(twins, folder, target, suffix=".png", change=lambda pixels: pixels):
    for name, pixels in twins.items():
        file = (target / name.removeprefix(folder.as_posix() + "/")).with_suffix(suffix)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(change(pixels)).save(file)


@pytest.mark.parametrize("beside", [True, False])
def test_binary_twins_are_found_beside_and_inside(tmp_path, beside):
    folder = tmp_path / "set" / "data"
    twins = own(folder)
    twin_files(
        twins, folder, tmp_path / "set" / "data-bin", ".bmp", lambda pixels: 255 - pixels
    )  # dark on light
    data, found, faults = load_views(folder if beside else folder.parent)
    assert len(data) == 60 and found.keys() == twins.keys() and not faults
    agree = [(found[name] == image[..., 3:]).mean() for name, image in zip(data.names, data.images)]
    assert min(agree) > 0.8 and np.median(agree) > 0.99  # cut out as their pictures are


def test_twins_in_a_zip(tmp_path):
    twins = own(tmp_path / "set" / "data", "AB" * 6)
    twin_files(twins, tmp_path / "set" / "data", tmp_path / "set" / "data-bin")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in sorted((tmp_path / "set").rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path / "set"))
    data, found, faults = load_views(tmp_path / "set.zip")
    assert len(data) == 12 and len(found) == 12 and not faults


def test_twins_that_are_missing_damaged_or_of_another_size(tmp_path):
    folder = tmp_path / "data"
    twins = own(folder)
    twin_files(twins, folder, tmp_path / "data-bin")
    files = sorted((tmp_path / "data-bin").rglob("*.png"))
    files[0].unlink()
    files[1].write_bytes(b"no picture")
    Image.fromarray(np.zeros((28, 90), np.uint8)).save(files[2])  # another shape
    Image.new("L", (28, 28), 255).save(files[4])  # blank
    larger = Image.open(files[3]).resize((84, 84), Image.Resampling.NEAREST)  # only another size
    larger.save(files[3])
    data, found, faults = load_views(folder)
    assert len(data) == 60 and len(found) == 56 and len(faults) == 4
    assert "no binary twin, made from the picture" in faults[0]
    assert "not an image that can be opened" in faults[1]
    assert "90 x 28 for a picture of 28 x 28: another shape" in faults[2]
    assert "no ink stands out; made from the picture" in faults[3]
    name = files[3].as_posix().replace("data-bin", "data")
    assert (found[name] == data.images[data.names.index(name)][..., 3:]).mean() > 0.9


def test_twins_below_other_folders_and_a_table_above_them(tmp_path):
    folder = tmp_path / "set.v1" / "mine" / "data"
    twins = own(folder, "AB" * 6)
    twin_files(twins, folder, folder.with_name("data-bin"))
    for path in (tmp_path / "set.v1", folder):
        data, found, faults = load_views(path)
        assert (
            sorted(set(data.labels)) == ["A", "B"] and len(data) == len(found) == 12 and not faults
        )
    names = [name.removeprefix(f"{tmp_path.as_posix()}/set.v1/") for name in twins]
    (tmp_path / "set.v1" / "labels.csv").write_text(
        "file,label\n" + "".join(f"{name},x\n" for name in names)
    )
    data, found, _ = load_views(tmp_path / "set.v1")
    assert set(data.labels) == {"x"} and len(data) == len(found) == 12
    (tmp_path / "set.v1").rename(tmp_path / "set.v2")
    shutil.move(tmp_path / "set.v2" / "mine" / "data-bin", tmp_path / "plain.v2-bin")
    shutil.move(tmp_path / "set.v2" / "mine" / "data", tmp_path / "plain.v2")
    assert len(load_views(tmp_path / "plain.v2")[1]) == 12


def test_training_sees_the_twin_and_the_view_that_is_made(tmp_path):
    folder = tmp_path / "data"
    twins = own(folder)
    twin_files(
        twins, folder, tmp_path / "data-bin", change=lambda pixels: np.roll(pixels, 3, axis=0)
    )
    source = own_source(folder)
    assert len(source.train) == 2 * len(set(source.train.names))
    assert len(source.validation) == len(
        set(source.validation.names)
    )  # and the score is of what a reader is given
    assert np.array_equal(source.test.images[..., 3:], binary(source.test.images[..., :3]))
    assert source.audit.loc["binary twins", "count"] == 60


def test_missing_classes_are_named(tmp_path):
    assert (
        absent("012345678") == "9"
        and absent("abcABC012") == ""
        and absent(CLASSES.replace("Q", "").replace("j", "")) == "Qj"
    )
    lay(tmp_path / "data", "012345678" * 4, lambda symbol: str(int(symbol)))
    source = own_source(tmp_path / "data")
    assert source.audit.loc["no images of", "what"] == "9: the reader will not know these"


def digests(part):
    return set(splits.digests(part.images[..., :3]))


def test_no_picture_is_in_two_parts(tmp_path):
    made = lay(tmp_path / "data", "abcdefgh" * 12)
    for k, file in enumerate(sorted(made)[:30]):  # twins, byte by byte, under other names
        shutil.copy(file, file.replace(".png", f"_copy{k}.png"))
    source = own_source(tmp_path / "data")
    assert source.audit.loc["exact duplicates", "count"] == 30
    parts = [digests(part) for part in (source.train, source.validation, source.test)]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
    assert sum(map(len, parts)) == 96


@pytest.fixture(scope="module")
def course():
    return load_sources(scans=20, drawn=10)


def test_the_courses_sources(course):
    assert {"scans", "fonts"} <= course.keys()
    for name, source in course.items():
        parts = [digests(part) for part in (source.train, source.validation, source.test)]
        assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2], name
        assert set(source.train.labels) == set(CLASSES) and all(map(len, parts))
        assert np.array_equal(source.test.images[..., 3:], binary(source.test.images[..., :3]))
        prepared = [
            views(open_image(picture()))[0] for picture in source.pictures
        ]  # as a Reader does
        assert np.array_equal(source.test.images, np.stack(prepared)), name
    if "pen" in course:
        assert course["pen"].audit.loc["exact duplicates", "count"] == 462
        assert course["street"].audit.loc["duplicates that disagree", "count"] == 1
    assert not set(fonts.SIGNS) & set(fonts.UNSEEN)


def test_draws_take_as_much_of_each_source_and_class(course):
    from ocr.training.batches import class_order

    data, groups = sources.group(course)
    assert len(data) == len(groups) and len(np.unique(groups)) == 62 * len(course)
    drawn = class_order(groups, 62 * len(course) * 5, np.random.default_rng(0))
    assert (np.unique(groups[drawn], return_counts=True)[1] == 5).all()
    origin = np.repeat(list(course), [len(source.train) for source in course.values()])
    assert all((origin[drawn] == name).sum() == 310 for name in course)
