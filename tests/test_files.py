"""Image files: found in folders and zips, read by name, bad archives."""

import io
import os
import pickle
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr.reading import files
from ocr.reading.files import find_all, find_images, printable, read_named, unreadable
from ocr.reading.images import ImageError


def png(seed=0):
    out = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 60), np.uint8)
    Image.fromarray(pixels).save(out, "png")
    return out.getvalue()


WHOLE = png()


def test_images_are_found_in_folders_and_zips(tmp_path):
    for name in ("b.PNG", "a.jpg", "sub/c.webp", ".hidden.png", "__MACOSX/d.png", "notes.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(WHOLE)
    names = [
        f.name.removeprefix((tmp_path / "in").as_posix()) for f in find_images(tmp_path / "in")
    ]
    assert names == ["/a.jpg", "/b.PNG", "/sub/c.webp"]
    with zipfile.ZipFile(tmp_path / "z.ZIP", "w") as archive:
        for file in (tmp_path / "in").rglob("*.*"):
            archive.write(file, file.relative_to(tmp_path))
    found = list(find_images(tmp_path / "z.ZIP"))
    assert [f.name.split("z.ZIP/")[1] for f in found] == ["in/a.jpg", "in/b.PNG", "in/sub/c.webp"]
    for f in found:
        assert f.is_image and f.size() == (60, 40) and f.read() == read_named(f.name) == WHOLE


@pytest.mark.skipif(os.name == "nt", reason="links need a permission on Windows")
def test_links_to_a_folder_above_or_to_nothing(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.png").write_bytes(WHOLE)
    (tmp_path / "sub" / "back").symlink_to(tmp_path)
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nothing.png")
    found = {f.name.rpartition("/")[2]: f for f in find_images(tmp_path)}
    assert sorted(found) == ["a.png", "gone.png", "self.png"]
    for name in ("gone.png", "self.png"):
        with pytest.raises(ImageError, match="no such file|cannot be opened"):
            found[name].read()


def test_zip_with_a_path_outside_and_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 10_000)
    with zipfile.ZipFile(tmp_path / "bad.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../out.png", WHOLE)
        archive.writestr("bomb.png", bytes(10_000_000))
        archive.writestr("good.png", WHOLE)
        info = zipfile.ZipInfo("x")
        info.filename = "set\\win.png"  # as some Windows tools write it
        archive.writestr(info, WHOLE)
    found = {f.name.rpartition("/")[2]: f for f in find_images(tmp_path / "bad.zip")}
    with pytest.raises(ImageError, match="points outside the zip"):
        found["out.png"].read()
    with pytest.raises(ImageError, match="unpacks to more than"):
        found["bomb.png"].read()
    assert found["good.png"].read() == found["win.png"].read() == WHOLE
    assert [p.name for p in tmp_path.iterdir()] == ["bad.zip"]


def test_missing_and_damaged_archives(tmp_path):
    with pytest.raises(ImageError, match="no such file or folder"):
        list(find_images(tmp_path / "nothing"))
    (tmp_path / "broken.zip").write_bytes(b"PK not really")
    with pytest.raises(ImageError, match="not a zip file"):
        list(find_images(tmp_path / "broken.zip"))
    (tmp_path / "cut.zip").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "flip.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.png", WHOLE)
    data = bytearray((tmp_path / "flip.zip").read_bytes())
    data[60] ^= 255
    (tmp_path / "flip.zip").write_bytes(data)
    with pytest.raises(ImageError, match="cannot be unpacked"):
        next(find_images(tmp_path / "flip.zip")).read()


def test_missing_and_empty_paths_are_listed_with_their_fault(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.png").write_bytes(WHOLE)
    paths = [tmp_path / "empty", tmp_path / "x.png", tmp_path / "nothing"]
    empty, image, missing = find_all(paths)
    assert image.read() == WHOLE and image.fault is None
    for found, message in ((empty, "no images in it"), (missing, "no such file or folder")):
        assert found.fault.startswith(message)
        with pytest.raises(ImageError, match=message):
            found.read()


def test_zips_in_folders_are_opened_and_other_files_counted(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in ("a.png", "inner.zip", "b.pdf", "note"):
            archive.writestr(name, WHOLE)
    for name in ("x.png", "y.pdf", "z.txt"):
        (tmp_path / name).write_bytes(WHOLE)
    passed = Counter()
    names = [Path(found.name).name for found in find_all([tmp_path, tmp_path / "z.zip"], passed)]
    assert names == ["x.png", "a.png", "a.png"]
    assert passed == {"zip": 2, "pdf": 3, "without extension": 2, "txt": 1}
    pages = {".pdf": lambda name: [unreadable(f"{name}#{k}", "no") for k in (1, 2)]}
    expanded = [Path(found.name).name for found in find_all([tmp_path], expand=pages)]
    assert expanded == ["x.png", "y.pdf#1", "y.pdf#2", "a.png"]
    assert next(find_all([tmp_path / "y.pdf"])).read() == WHOLE  # given by name: tried


def test_what_reads_an_image_can_be_sent_to_another_process(tmp_path):
    (tmp_path / "x.png").write_bytes(WHOLE)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a.png", WHOLE)
    for found in find_all([tmp_path]):
        assert pickle.loads(pickle.dumps(found.read))() == WHOLE
    (missing,) = find_all([tmp_path / "gone"])
    with pytest.raises(ImageError, match="no such file or folder"):
        pickle.loads(pickle.dumps(missing.read))()


def test_cells_of_csv_are_read_back():
    for cell in ("=1+1", "-5", "'a", "''", "", "a", "@x", "+", "12"):
        assert files.from_cell(files.no_formula(cell)) == cell


def test_an_image_that_was_deleted_is_an_error(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("x.png", WHOLE)
    with pytest.raises(ImageError, match="no longer in its zip"):
        read_named(f"{tmp_path.as_posix()}/z.zip/y.png")
    with pytest.raises(ImageError, match="no such file"):
        read_named(f"{tmp_path.as_posix()}/x.png")


def test_file_names_are_made_printable():
    assert printable("bücher/\n\udcff\u202e.png") == "bücher/\\n\\udcff\\u202e.png"
