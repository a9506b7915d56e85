"""Test `ocr page` in a real Chromium: the file reads as Python does, and asks for nothing."""

import csv
import io
import json
import zlib

import numpy as np
import onnxruntime
import pytest
from axe_playwright_python.sync_playwright import Axe
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageFilter

from benchmarks import page_parity as parity
from benchmarks.samples import printed_numbers
from ocr.cli import main
from ocr.drawing import captchas, symbols
from ocr.page import writing
from ocr.page.bundle import bundle
from ocr.page.graph import OPERATORS, GraphError, convert
from ocr.reading.anything import AnyReader
from ocr.reading.images import open_image
from ocr.reading.reader import Reader

READERS = parity.READERS
NEAR = 1e-3  # by so much confidences may differ
EACH = 12  # pictures of each reader


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """One file with all shipped readers."""
    file = tmp_path_factory.mktemp("pages") / "all.html"
    writing.write(READERS, file)
    return file


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    """A file with one small reader, which opens faster."""
    file = tmp_path_factory.mktemp("pages") / "captcha.html"
    writing.write(["captcha"], file)
    return file


@pytest.fixture(scope="module")
def page(browser, file):
    """The file, opened by its file:// address; errors and requests fail the tests."""
    opened = parity.Page(browser, file)
    yield opened
    opened.page.close()
    assert opened.faults == []


@pytest.fixture(scope="module")
def readers():
    return {name: Reader.load(name) for name in READERS}


@pytest.fixture(scope="module")
def samples():
    """Drawn pictures of each reader, {name: [Image]}."""
    drawn = {}
    for script, families in parity.FAMILIES.items():
        _, pictures = printed_numbers(script, families, EACH // 2)
        drawn.setdefault("numbers", []).extend(map(Image.fromarray, pictures))
    drawn["captcha"] = [picture for _, picture in captchas.captchas(EACH, seed=3)]
    drawn["dual_input"] = [Image.fromarray(sign) for _, sign in symbols.signs("R2d5" * 3)]
    glyphs = [glyph[:, :, 0] for _, glyph in symbols.glyphs("R2d5", seed=3)]
    drawn["char_cnn"] = drawn["cnn_lstm"] = [
        *map(Image.fromarray, glyphs),
        *(Image.fromarray(255 - np.pad(glyph, 40)) for glyph in glyphs),
        *drawn["dual_input"][:4],
    ]
    return drawn


def differences(page, reader, name, pictures, **options):
    """Read in the page and in Python; return the differences."""
    rows = page.read(pictures, reader=name, **options)
    done = parity.results(reader, pictures, **options)
    assert len(rows) == len(done)
    for row, result in zip(rows, done):
        assert bool(row.get("trusted")) == bool(result.reading and result.reading.trusted)
    return [parity.difference(row, result) for row, result in zip(rows, done)]


def assert_equal(found):
    assert [each.text for each in found if each.text] == []
    assert max(each.confidence for each in found) < NEAR
    assert max(each.spans for each in found) < 0.11  # of a pixel, in which they are rounded


@pytest.mark.parametrize("name", READERS)
def test_the_page_reads_as_python_does(page, readers, samples, name):
    pictures = [parity.encoded(picture, k) for k, picture in enumerate(samples[name])]
    assert_equal(differences(page, readers[name], name, pictures))


def test_jpeg_and_cameras_are_read_alike(page, readers, samples):
    pictures = [parity.encoded(picture, 0, "JPEG") for picture in samples["numbers"][:4]]
    turned, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 8
    samples["numbers"][4].convert("L").transpose(Image.Transpose.ROTATE_270).save(
        turned, "JPEG", exif=exif
    )
    pictures.append(turned.getvalue())
    found = differences(page, readers["numbers"], "numbers", pictures)
    assert [each.text for each in found if each.text] == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("numbers", {"pattern": "dd/dd/dddd"}),
        ("numbers", {"script": "arabic"}),
        ("numbers", {"script": "persian", "pattern": "ddd"}),
        ("captcha", {"pattern": "xxxxx"}),
        ("captcha", {"pattern": "daaa"}),
        ("char_cnn", {"pattern": "d"}),
        ("dual_input", {"pattern": "\\d"}),
    ],
)
def test_patterns_and_scripts(page, readers, samples, name, options):
    pictures = [parity.encoded(picture, 0) for picture in samples[name][:3]]
    assert_equal(differences(page, readers[name], name, pictures, **options))


@pytest.mark.parametrize(
    ("name", "pattern"), [("captcha", "AAAAA"), ("captcha", "x" * 51), ("char_cnn", "dd")]
)
def test_a_pattern_that_cannot_be_is_refused_alike(page, readers, samples, name, pattern):
    with pytest.raises(ValueError) as wanted:
        readers[name].options(pattern=pattern)
    with pytest.raises(Exception, match="pattern|too long") as given:
        page.read([parity.encoded(samples[name][0], 0)], reader=name, pattern=pattern)
    assert str(wanted.value) in str(given.value)


def png(array, **options):
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG", **options)
    return out.getvalue()


def test_faults_of_pictures_have_pythons_words(page, readers):
    white = np.full((40, 90), 255, np.uint8)
    faulty = [b"no image", b"", png(white), png(white[:2]), png(white)[:60]]
    rows = page.read(faulty, reader="numbers")
    for row, result in list(zip(rows, parity.results(readers["numbers"], faulty)))[:4]:
        assert row["problem"] == result.error
    assert "damaged image" in rows[4]["problem"]
    tiff = io.BytesIO()
    Image.fromarray(white).save(tiff, "TIFF")
    (row,) = page.read([tiff.getvalue()], reader="numbers")
    assert row["problem"] == "TIFF: browsers do not open it, save it again as PNG"


def test_the_list_examples_drawing_and_csv(page, samples, tmp_path):
    tab = page.page
    tab.set_input_files(
        "#files",
        [
            {"name": "=1+1.png", "mimeType": "image/png", "buffer": parity.encoded(picture, 0)}
            for picture in samples["captcha"][:2]
        ],
    )
    tab.locator("#results li").nth(1).wait_for(state="attached")
    text = tab.locator("#results .text").first.inner_text()
    tab.check("#readers [value=captcha]")
    tab.select_option("#again", "captcha")
    tab.locator("#about", has_text="CAPTCHA").wait_for()
    text = tab.input_value("#text")
    assert tab.locator("#marks .sign").count() == len(text)
    with tab.expect_download() as download:
        tab.click("#csv")
    rows = list(csv.reader(download.value.path().read_text("utf-8-sig").splitlines()))
    assert rows[1][:2] == ["'=1+1.png", text] and rows[1][5] == "captcha"
    tab.click("#clear")
    tab.locator("#examples button").last.click()  # a sign, for dual_input
    tab.wait_for_function("() => document.querySelector('#results .text')?.textContent === 'R'")
    tab.check("#readers [value=char_cnn]")
    tab.click("#drawing summary")
    tab.locator("#canvas").scroll_into_view_if_needed()
    box = tab.locator("#canvas").bounding_box()
    tab.mouse.move(box["x"] + 0.42 * box["width"], box["y"] + 0.15 * box["height"])
    tab.mouse.down()
    for x, y in ((0.58, 0.15), (0.48, 0.85)):
        tab.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
    tab.mouse.up()
    tab.click("#read-drawing")
    tab.locator("#results li").nth(1).wait_for(state="attached")
    assert tab.locator("#results .text").first.inner_text() == "7"
    tab.click("#clear")


def test_any_chooses_as_python_does(page, readers, samples):
    reader = AnyReader(readers)
    names = ("numbers", "char_cnn", "dual_input")
    pictures = [picture for name in names for picture in samples[name]]
    rows = page.read([parity.encoded(picture, 0) for picture in pictures], reader="any")
    for row, picture in zip(rows, pictures, strict=True):
        reading = reader.read(picture)
        assert (row["reader"], row["text"]) == (reading.reader, reading.text)
        assert row["trusted"] == reading.trusted
    assert {row["reader"] for row in rows} >= {"numbers", "char_cnn", "dual_input"}


def test_nothing_is_loaded_or_sent(browser, small_file):
    opened = parity.Page(browser, small_file)
    failed = "() => fetch('https://example.org').then(() => false, () => true)"
    assert opened.page.evaluate(failed)
    assert any("Content Security Policy" in fault for fault in opened.faults)
    assert [fault for fault in opened.faults if fault.startswith("http")] == []
    opened.page.close()


def test_a_browser_without_webassembly_reads_the_same(browser, small_file, readers, samples):
    context = browser.new_context()
    context.add_init_script("delete globalThis.WebAssembly")
    opened = parity.Page(context, small_file)
    pictures = [parity.encoded(picture, 0) for picture in samples["captcha"][:3]]
    assert_equal(differences(opened, readers["captcha"], "captcha", pictures))
    context.close()


# --- the parts, beside Pillow and ONNX Runtime


@pytest.fixture(scope="module")
def modules(browser):
    """Run code that has the modules of the page as module_decode, module_resample, ..."""
    tab = browser.new_page()
    names = ("decode", "operators", "resample")
    tab.add_script_tag(
        content="\n".join(
            f"{{{bundle(name, [writing.OWN])}; globalThis.{name} = module_{name};}}"
            for name in names
        )
    )
    yield tab.evaluate
    tab.close()


OPEN = """async bytes => {
  const file = new Blob([new Uint8Array(bytes)]);
  const {width, height, channels, data} = await decode.openPicture(file);
  return [height, width, channels, [...data]];
}"""


def opened(modules, data):
    height, width, channels, values = modules(OPEN, list(data))
    return np.array(values, np.uint8).reshape(height, width, channels)


def interlaced(grey):
    """Encode grey uint8 (H, W) as an Adam7 PNG, which Pillow does not write."""
    height, width = grey.shape
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
              (0, 1, 1, 2))  # fmt: skip
    rows = b"".join(
        b"\0" + row.tobytes()
        for left, top, right, down in passes
        for row in grey[top::down, left::right]
        if row.size
    )
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 1])
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        for kind, data in chunks
    )


def kinds_of_png():
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (13, 21), np.uint8)
    colour = rng.integers(0, 256, (13, 21, 4), np.uint8)
    palette = Image.fromarray(colour[..., :3]).quantize(7)
    pictures = {
        "1": Image.fromarray(grey > 99),
        "L": Image.fromarray(grey),
        "LA": Image.fromarray(colour[..., :2].copy(), "LA"),
        "RGB": Image.fromarray(colour[..., :3].copy()),
        "RGBA": Image.fromarray(colour),
        "RGBA, light ink": Image.fromarray(colour | np.array([192, 192, 192, 0], np.uint8)),
        "I;16": Image.fromarray(grey.astype(np.uint16) * 199),
        "I;16, dark": Image.fromarray(grey.astype(np.uint16)),
        "P": palette,
    }
    files = {}
    for name, picture in pictures.items():
        out = io.BytesIO()
        picture.save(out, "PNG")
        files[name] = out.getvalue()
    for name, options in {"P, 4 bits": {"bits": 4}, "P, clear": {"transparency": 2}}.items():
        out = io.BytesIO()
        palette.save(out, "PNG", **options)
        files[name] = out.getvalue()
    return {**files, "interlaced": interlaced(grey)}


@pytest.mark.parametrize("kind", kinds_of_png())
def test_png_is_decoded_to_pillows_pixels(modules, kind):
    data = kinds_of_png()[kind]
    wanted = np.asarray(open_image(data))
    found = opened(modules, data)
    if wanted.ndim == 2:
        wanted = wanted[:, :, None]
    if found.shape != wanted.shape:  # grey that one of them has as a colour
        wanted, found = np.broadcast_arrays(wanted, found)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_undone(modules, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = png(np.arange(35, dtype=np.uint8).reshape(5, 7), exif=exif)
    np.testing.assert_array_equal(opened(modules, data)[..., 0], np.asarray(open_image(data)))


BICUBIC, BOX = Image.Resampling.BICUBIC, Image.Resampling.BOX
FILTERS = {  # by their names in resample.js; size is also a radius
    "resize(picture, size, 9, resample.BICUBIC)": lambda p, size: p.resize((size, 9), BICUBIC),
    "resize(picture, 9, size, resample.BICUBIC)": lambda p, size: p.resize((9, size), BICUBIC),
    "resize(picture, 20, size, resample.BOX)": lambda p, size: p.resize((20, size), BOX),
    "boxBlur(picture, size)": lambda p, size: p.filter(ImageFilter.BoxBlur(size)),
    "gaussianBlur(picture, size / 9)": lambda p, s: p.filter(ImageFilter.GaussianBlur(s / 9)),
}


@pytest.mark.parametrize("code", FILTERS)
def test_resampling_and_blurs_are_pillows(modules, code):
    rng = np.random.default_rng(1)
    cases, wanted = [], []
    for _ in range(12):
        width, height, size = map(int, rng.integers(3, 60, 3))
        picture = Image.fromarray(rng.integers(0, 256, (height, width), np.uint8))
        cases.append([width, height, size, " ".join(map(str, picture.getdata()))])
        wanted.append(" ".join(map(str, FILTERS[code](picture, size).getdata())))
    run = f"""cases => cases.map(([width, height, size, values]) => {{
      const picture = {{width, height, channels: 1, data: Uint8Array.from(values.split(" "))}};
      return resample.{code}.data.join(" ");
    }})"""
    assert modules(run, cases) == wanted


def model(operator, inputs, constants=(), **attributes):
    """Make a model.onnx of one operator; inputs, constants: arrays."""
    names = [f"i{k}" for k in range(len(inputs))] + [f"c{k}" for k in range(len(constants))]
    node = helper.make_node(operator, names, ["out"], **attributes)
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info(names[0], TensorProto.FLOAT, inputs[0].shape)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(each, name)
            for each, name in zip([*inputs[1:], *constants], names[1:])
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    return made.SerializeToString()


rng = np.random.default_rng(2)
IMAGE = rng.normal(size=(1, 4, 7, 9)).astype(np.float32)
CASES = {
    "Conv": ([IMAGE, rng.normal(size=(3, 4, 3, 2)).astype(np.float32)], {"pads": [1, 0, 2, 1]}),
    "Conv strides": (
        [IMAGE, rng.normal(size=(6, 2, 3, 3)).astype(np.float32), np.arange(6, dtype=np.float32)],
        {"group": 2, "strides": [2, 1], "auto_pad": "SAME_UPPER"},
    ),
    "Conv dilations": (
        [IMAGE, rng.normal(size=(3, 4, 2, 3)).astype(np.float32)],
        {"dilations": [3, 2], "auto_pad": "VALID"},
    ),
    "Conv one pixel": ([IMAGE, rng.normal(size=(5, 4, 1, 1)).astype(np.float32)], {}),
    "MaxPool": ([IMAGE], {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 0, 1]}),
    "GlobalAveragePool": ([IMAGE], {}),
    "MatMul": ([IMAGE, rng.normal(size=(9, 5)).astype(np.float32)], {}),
    "Add": ([IMAGE, rng.normal(size=(4, 1, 9)).astype(np.float32)], {}),
    "Sub": ([IMAGE, rng.normal(size=(9,)).astype(np.float32)], {}),
    "Mul": ([IMAGE, np.float32([[3.0]])], {}),
    "Div": ([IMAGE, np.float32([3.0])], {}),
    "Relu": ([IMAGE], {}),
    "Sigmoid": ([IMAGE], {}),
    "Tanh": ([IMAGE], {}),
    "Transpose": ([IMAGE], {"perm": [0, 3, 1, 2]}),
    "Reshape": ([IMAGE, np.array([0, -1, 9])], {}),
    "Slice": (
        [IMAGE, np.array([1, -1]), np.array([4, -8]), np.array([1, 3]), np.array([2, -3])],
        {},
    ),
    "Squeeze": ([IMAGE, np.array([0])], {}),
    "Unsqueeze": ([IMAGE, np.array([0, -1])], {}),
    "Gather": ([IMAGE, np.array([2, -1])], {"axis": 1}),
    "Concat": ([IMAGE, IMAGE[:, :2]], {"axis": 1}),
    "Expand": ([IMAGE[:, :1], np.array([2, 3, 7, 1])], {}),
    "LSTM": (
        [
            IMAGE[0, :, :1],
            rng.normal(size=(2, 12, 9)).astype(np.float32),
            rng.normal(size=(2, 12, 3)).astype(np.float32),
            rng.normal(size=(2, 24)).astype(np.float32),
        ],
        {"hidden_size": 3, "direction": "bidirectional"},
    ),
}
RUN = """([op, attributes, tensors]) => {
  const given = tensors.map(({dims, data, whole}) => {
    return {dims, data: whole ? data : Float32Array.from(data)};
  });
  const [{dims, data}] = operators.OPERATORS[op](given, attributes);
  return [dims, [...data]];
}"""


@pytest.mark.parametrize("case", CASES)
def test_operators_are_those_of_onnx_runtime(modules, case):
    arrays, attributes = CASES[case]
    onnx = model(case.split()[0], arrays, **attributes)
    (wanted,) = onnxruntime.InferenceSession(onnx).run(None, {"i0": arrays[0]})
    (node,) = convert(onnx)["nodes"]
    tensors = [
        {"dims": list(a.shape), "data": a.ravel().tolist(), "whole": a.dtype.kind == "i"}
        for a in arrays
    ]
    dims, data = modules(RUN, [node["op"], node["attributes"], tensors])
    found = np.array(data).reshape(dims)
    if case == "LSTM":
        found = found.reshape(wanted.shape)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_operators_of_python_are_those_of_the_page(modules):
    assert modules("() => Object.keys(operators.OPERATORS)") == OPERATORS


def test_other_networks_are_refused_in_one_line():
    with pytest.raises(GraphError, match=r"^its network has the operator GRU; a page has Add,"):
        convert(model("GRU", [IMAGE[0], IMAGE[0], IMAGE[0]], hidden_size=3))
    with pytest.raises(GraphError, match="activations of its operator LSTM"):
        convert(model("LSTM", [IMAGE[0]] * 3, activations=["Relu", "Tanh", "Tanh"]))


# --- writing


def test_bundling_refuses_what_it_does_not_know(tmp_path):
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\nexport const a = b;\n')
    (tmp_path / "b.js").write_text("export const b = 1;\n")
    assert "const { b } = module_b;" in bundle("a", [tmp_path])
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\nexport const b = a;\n')
    with pytest.raises(ValueError, match="circular imports: a -> b -> a"):
        bundle("a", [tmp_path])
    (tmp_path / "b.js").write_text("export default 1;\n")
    with pytest.raises(ValueError, match=r"b\.js: a form of import or export"):
        bundle("a", [tmp_path])


def test_the_command_writes_a_file_or_says_why_not(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["page", "captcha"]) == 0
    assert "captcha.html: 0." in capsys.readouterr().out
    size = (tmp_path / "captcha.html").stat().st_size
    assert size < 1_000_000
    assert main(["page", "nowhere", "--out", "x.html"]) == 2
    assert "no reader in nowhere" in capsys.readouterr().err and not (tmp_path / "x.html").exists()


def test_a_readers_words_cannot_leave_their_place():
    text = writing._embedded("x", {"name": "</script><script>alert(1)</script>"})
    assert text.count("<") == 2 and json.loads(text[text.index(">") + 1 : text.rindex("<")])


GAP = "innerWidth - document.querySelector('#language').getBoundingClientRect().right"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_accessibility_and_no_overflow(browser, file, scheme, width):
    opened = parity.Page(
        browser,
        file,
        color_scheme=scheme,
        viewport={"width": width, "height": 800},
        bypass_csp=True,
        has_touch=width < 400,
    )
    tab = opened.page
    tab.locator("#examples button").first.click()
    tab.wait_for_selector("#results li")
    tab.click("#drawing summary")
    violations = Axe().run(tab).response["violations"]
    assert violations == [], json.dumps(violations, indent=1)[:2000]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(GAP) <= 40  # the choice of the language is at the end of its line
    tab.close()
