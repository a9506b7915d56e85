"""Characters as views: class folders, binary twins, missing classes, sources, no leak in parts."""

import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

import utils
from ocr.datasets import sources, splits
from ocr.datasets.labels import CLASSES, DataError
from ocr.datasets.sources import absent, own_source
from ocr.datasets.twins import load_views
from ocr.drawing.symbols import signs
from ocr.reading.images import open_image
from ocr.reading.inputs import binary, views
from ocr.training.batches import class_order


def save_signs(folder, symbols, name=lambda symbol: symbol, suffix=".png"):
    """Save drawn signs in folders named by `name`; return {file name: picture}."""
    pictures = {}
    for i, (symbol, picture) in enumerate(signs(symbols)):
        file = folder / name(symbol) / f"{i}{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(file)
        pictures[file.as_posix()] = picture
    return pictures


def save_twins(pictures, folder, target, suffix=".png", change=lambda pixels: pixels):
    """Save a binary twin of each of `pictures` of `folder` in the folder `target`."""
    for name, picture in pictures.items():
        file = (target / name.removeprefix(folder.as_posix() + "/")).with_suffix(suffix)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(change(binary(picture[None])[0, :, :, 0])).save(file)


def disjoint(source):
    """Tell whether no picture is in two parts of a source."""
    parts = source.train, source.validation, source.test
    sets = [set(splits.digests(part.images[..., :3])) for part in parts]
    return len(set.union(*sets)) == sum(map(len, sets))


# --- class folders -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, suffix",
    [
        (lambda s: str(CLASSES.index(s)), ".png"),
        (lambda s: s, ".PNG"),
        (lambda s: f"{ord(s):02x}", ".bmp"),
    ],
)
def test_folders_named_by_index_name_or_code(tmp_path, name, suffix):
    symbols = "7Az" * 4
    pictures = save_signs(tmp_path / "data", symbols, name, suffix)
    data, twins, problems = load_views(str(tmp_path / "data"))
    assert sorted(data.labels) == sorted(symbols) and not twins and not problems
    for image, file in zip(data.images, data.names):
        assert np.array_equal(image, views(open_image(pictures[file]))[0])
    assert np.array_equal(data.images[..., 3:], binary(data.images[..., :3]))


def test_folders_that_are_not_one_character_are_left_out(tmp_path):
    save_signs(tmp_path, "7A" * 3)
    save_signs(tmp_path, "B" * 3, lambda _: "bee")
    data, _, _ = load_views(tmp_path)
    assert sorted(data.labels) == list("777AAA") and len(data.unlabelled) == 3
    assert data.unlabelled[0].endswith("'bee' is not one character")
    with pytest.raises(DataError, match="folder 'A' is not a class by index: rename it"):
        load_views(tmp_path, "index")


# --- binary twins --------------------------------------------------------------------------------


@pytest.mark.parametrize("beside", [True, False])
def test_twins_are_found_beside_and_inside(tmp_path, beside):
    folder = tmp_path / "set" / "data"
    pictures = save_signs(folder, "0123456789" * 6)
    dark = lambda pixels: 255 - pixels  # dark on light
    save_twins(pictures, folder, tmp_path / "set" / "data-bin", ".bmp", dark)
    data, twins, problems = load_views(folder if beside else folder.parent)
    assert len(data) == 60 and twins.keys() == pictures.keys() and not problems
    agree = [(twins[name] == image[..., 3:]).mean() for name, image in zip(data.names, data.images)]
    assert min(agree) > 0.8 and np.median(agree) > 0.99  # cropped as their pictures are


def test_twins_in_a_zip(tmp_path):
    folder = tmp_path / "set" / "data"
    save_twins(save_signs(folder, "AB" * 6), folder, tmp_path / "set" / "data-bin")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in sorted((tmp_path / "set").rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path / "set"))
    data, twins, problems = load_views(tmp_path / "set.zip")
    assert len(data) == 12 and len(twins) == 12 and not problems


def test_unusable_twins_are_reported(tmp_path):
    folder = tmp_path / "data"
    save_twins(save_signs(folder, "0123456789" * 6), folder, tmp_path / "data-bin")
    missing, damaged, wide, larger, blank, *_ = sorted((tmp_path / "data-bin").rglob("*.png"))
    missing.unlink()
    damaged.write_bytes(b"no picture")
    Image.fromarray(np.zeros((28, 90), np.uint8)).save(wide)
    Image.new("L", (28, 28), 255).save(blank)
    Image.open(larger).resize((84, 84), Image.Resampling.NEAREST).save(larger)  # usable
    data, twins, problems = load_views(folder)
    assert len(data) == 60 and len(twins) == 56 and len(problems) == 4
    assert "no binary twin; made from the picture" in problems[0]
    assert "not an image that can be opened" in problems[1]
    assert "90 x 28 for a picture of 28 x 28: another aspect ratio" in problems[2]
    assert "no ink" in problems[3] and problems[3].endswith("; made from the picture")
    name = larger.as_posix().replace("data-bin", "data")
    assert (twins[name] == data.images[data.names.index(name)][..., 3:]).mean() > 0.9


def test_twins_in_deeper_folders_with_a_table_above(tmp_path):
    root = tmp_path / "set.v1"
    folder = root / "mine" / "data"
    pictures = save_signs(folder, "AB" * 6)
    save_twins(pictures, folder, root / "mine" / "data-bin")
    for path in (root, folder):
        data, twins, problems = load_views(path)
        assert set(data.labels) == set("AB") and len(data) == len(twins) == 12 and not problems
    names = [name.removeprefix(f"{root.as_posix()}/") for name in pictures]
    table = "".join(f"{name},x\n" for name in names)
    (root / "labels.csv").write_text("file,label\n" + table)
    data, twins, _ = load_views(root)
    assert set(data.labels) == {"x"} and len(data) == len(twins) == 12
    shutil.move(root / "mine" / "data-bin", tmp_path / "plain.v2-bin")
    shutil.move(root / "mine" / "data", tmp_path / "plain.v2")
    assert len(load_views(tmp_path / "plain.v2")[1]) == 12


def test_training_has_twins_and_evaluation_has_not(tmp_path):
    folder = tmp_path / "data"
    lower = lambda pixels: np.roll(pixels, 3, axis=0)
    pictures = save_signs(folder, "0123456789" * 6)
    save_twins(pictures, folder, tmp_path / "data-bin", change=lower)
    source = own_source(folder)
    assert len(source.train) == 2 * len(set(source.train.names))
    assert len(source.validation) == len(set(source.validation.names))
    assert np.array_equal(source.test.images[..., 3:], binary(source.test.images[..., :3]))
    assert source.audit.loc["binary twins", "count"] == 60


# --- sources -------------------------------------------------------------------------------------


def test_missing_classes_are_reported(tmp_path):
    assert absent("012345678") == "9" and absent("abcABC012") == ""
    assert absent(CLASSES.replace("Q", "").replace("j", "")) == "Qj"
    save_signs(tmp_path, "012345678" * 4)
    what = own_source(tmp_path).audit.loc["no images of", "what"]
    assert what == "9: the reader will not know these"


def test_no_picture_of_your_own_is_in_two_parts(tmp_path):
    pictures = save_signs(tmp_path, "abcdefgh" * 12)
    for k, file in enumerate(sorted(pictures)[:30]):
        shutil.copy(file, file.replace(".png", f"_copy{k}.png"))
    source = own_source(str(tmp_path))
    assert source.audit.loc["exact duplicates", "count"] == 30 and disjoint(source)
    parts = source.train, source.validation, source.test
    assert len(set(np.concatenate([splits.digests(part.images) for part in parts]))) == 96


@pytest.fixture(scope="module")
def course():
    return utils.load_sources(scans=20, drawn=10)


@pytest.mark.slow
def test_sources_of_the_course_are_disjoint_and_preprocessed_as_by_a_reader(course):
    assert {"scans", "fonts"} <= course.keys()
    for name, source in course.items():
        assert disjoint(source) and set(source.train.labels) == set(CLASSES), name
        assert np.array_equal(source.test.images[..., 3:], binary(source.test.images[..., :3]))
        prepared = [views(open_image(picture()))[0] for picture in source.pictures]
        assert np.array_equal(source.test.images, np.stack(prepared)), name
    if "pen" in course:
        assert course["pen"].audit.loc["exact duplicates", "count"] == 462
        assert course["street"].audit.loc["duplicates that disagree", "count"] == 1


@pytest.mark.slow
def test_groups_balance_sources_and_classes(course):
    data, groups = sources.group(course)
    assert len(data) == len(groups) and len(np.unique(groups)) == 62 * len(course)
    drawn = class_order(groups, 62 * len(course) * 5, np.random.default_rng(0))
    assert (np.unique(groups[drawn], return_counts=True)[1] == 5).all()
    origin = np.repeat(list(course), [len(source.train) for source in course.values()])
    assert all((origin[drawn] == name).sum() == 310 for name in course)
