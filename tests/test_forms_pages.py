"""Pages of scans: images, multi-page TIFF, PDF; folders and zips; damaged and hostile files."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from ocr.forms import pages
from ocr.forms.pages import find_pages, open_page
from ocr.reading.images import ImageError
from tests.samples import noise

PASSWORD = b"""%%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>> endobj
4 0 obj <</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>> endobj
trailer <</Root 1 0 R/Size 5/Encrypt 4 0 R/ID[<00><00>]>>
%%%%EOF
""" % (b"11" * 32, b"22" * 32)


def shades(count, size=(60, 90)):
    """Make pages that differ in their shade."""
    return [Image.new("L", size, 10 + 20 * i) for i in range(count)]


def save_pages(file, count, size=(60, 90)):
    first, *others = shades(count, size)
    first.save(file, save_all=True, append_images=others)
    return file


def means(found):
    return [round(float(np.asarray(page.open()).mean())) for page in found]


def faults(found):
    """Open all pages: the messages of those that fail, "" of the others."""
    messages = []
    for page in found:
        try:
            page.open()
            messages.append("")
        except ImageError as error:
            messages.append(str(error))
    return messages


@pytest.mark.parametrize("name", ["a.pdf", "a.tif", "a.TIFF"])
def test_pages_of_a_file_are_in_order(tmp_path, name):
    file = save_pages(tmp_path / name, 5)
    assert [page.name for page in find_pages([file])] == [f"{file}#{n}" for n in range(1, 6)]
    assert means(find_pages([file])) == [10, 30, 50, 70, 90]


def test_every_page_is_opened_again_by_its_name(tmp_path):
    save_pages(tmp_path / "a.pdf", 3)
    save_pages(tmp_path / "a#1.tif", 2)
    shades(1)[0].save(tmp_path / "b#2.png")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.write(tmp_path / "a.pdf", "in/c.pdf")
        archive.write(tmp_path / "b#2.png", "d.png")
    found = list(find_pages([tmp_path, tmp_path / "z.zip"]))
    assert len(found) == 10
    for page in find_pages([tmp_path, tmp_path / "z.zip"]):
        assert np.array_equal(pages.open_named(page.name), page.open()), page.name
    for gone in ("a.pdf#4", "nowhere.png", "z.zip/e.png"):
        with pytest.raises(ImageError):
            pages.open_named(f"{tmp_path}/{gone}")


def test_one_page_has_the_name_of_its_file(tmp_path):
    for name in ("a.pdf", "b.tif", "c.png"):
        file = save_pages(tmp_path / name, 1) if name != "c.png" else tmp_path / name
        shades(1)[0].save(file)
        assert [page.name for page in find_pages([file])] == [str(file)]
        assert means(find_pages([file])) == [10]
        assert open_page(file).mode in ("L", "RGB")


def test_folder_and_zip_are_walked(tmp_path):
    folder = tmp_path / "scans"
    (folder / "b").mkdir(parents=True)
    save_pages(folder / "b" / "many.pdf", 2)
    save_pages(folder / "many.tif", 2)
    noise(0).save(folder / "one.png")
    (folder / "notes.txt").write_text("no scan")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder))
    inside = ["b/many.pdf#1", "b/many.pdf#2", "many.tif#1", "many.tif#2", "one.png"]
    for place in (folder, tmp_path / "all.zip"):
        assert [page.name for page in find_pages([place])] == [f"{place}/{n}" for n in inside]
        assert faults(find_pages([place])) == [""] * 5


def test_pdf_page_has_the_pixels_of_200_dpi(tmp_path):
    Image.new("L", (827, 1169), 200).save(tmp_path / "a4.pdf", resolution=100)
    width, height = open_page(tmp_path / "a4.pdf").size
    assert abs(width - 1654) <= 1 and abs(height - 2338) <= 1


def test_huge_pdf_page_is_rendered_smaller(tmp_path):
    Image.new("1", (2000, 2000), 1).save(tmp_path / "poster.pdf", resolution=20)
    width, height = open_page(tmp_path / "poster.pdf").size
    assert 3900 < width <= 4096 and width == height


def test_bad_files_are_one_line_and_the_others_go_on(tmp_path):
    noise(0).save(tmp_path / "good.png")
    files = {
        "password.pdf": (PASSWORD, "password"),
        "damaged.pdf": (b"%PDF-1.4 and no more", "damaged PDF"),
        "empty.pdf": (b"", "empty"),
        "empty.tif": (b"", "empty"),
        "damaged.tif": (b"II*\0" + bytes(30), ""),
        "text.png": (b"no picture", "not an image"),
    }
    for name, (data, _) in files.items():
        (tmp_path / name).write_bytes(data)
    Image.new("1", (20_000, 20_000)).save(tmp_path / "large.png")
    found = dict(zip([p.name for p in find_pages([tmp_path])], faults(find_pages([tmp_path]))))
    assert len(found) == len(files) + 2
    assert found[f"{tmp_path}/good.png"] == ""
    assert "more than 16,777,216 pixels" in found[f"{tmp_path}/large.png"]
    for name, (_, message) in files.items():
        said = found[f"{tmp_path}/{name}"]
        assert said and message in said and "\n" not in said
    for path, message in ((tmp_path / "nowhere", "no such"), (tmp_path / "none", "no scans")):
        if path.name == "none":
            path.mkdir()
        assert [message in said for said in faults(find_pages([path]))] == [True]


def test_cut_tiff_reports_its_last_page(tmp_path):
    file = save_pages(tmp_path / "a.tif", 3, (300, 300))
    data = file.read_bytes()
    (tmp_path / "b.tif").write_bytes(data[: len(data) - 50_000])
    said = faults(find_pages([tmp_path / "b.tif"]))
    assert any(said) and all("\n" not in each for each in said)


def test_too_many_pages_are_said_once(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "MAX_PAGES", 3)
    for name in ("a.pdf", "a.tif"):
        said = faults(find_pages([save_pages(tmp_path / name, 5)]))
        assert said == ["", "", "", "5 pages, the first 3 are read: divide the file"]


def test_pages_are_not_opened_before_they_are_asked_for(tmp_path):
    stream = io.BytesIO()
    noise(0).save(stream, "PNG")
    (tmp_path / "a.png").write_bytes(stream.getvalue())
    (page,) = find_pages([tmp_path])
    (tmp_path / "a.png").unlink()
    assert faults([page]) == ["no such file"]


@pytest.mark.slow
def test_thousand_pages_take_no_more_memory_than_few(tmp_path):
    psutil = pytest.importorskip("psutil")
    page = Image.fromarray(np.random.default_rng(0).integers(0, 255, (700, 500), np.uint8))
    file = tmp_path / "many.pdf"
    page.save(file, save_all=True, append_images=[page] * 999, resolution=100)
    used = []
    for number, each in enumerate(find_pages([file])):
        each.open()
        if number in (99, 999):
            used.append(psutil.Process().memory_info().rss)
    assert number == 999 and used[1] - used[0] < 40 * 2**20
