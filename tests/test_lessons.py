"""What the lessons are made of: exercises, diagrams, stored curves, links, the glossary."""

import base64
import itertools
import re
import sys
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

import exercises
import play
import utils
from ocr import diagrams, plots, scores
from ocr.datasets.emnist import merge
from ocr.paths import ROOT
from ocr.reading import ctc, ink

LESSONS = [ROOT / "ocr.ipynb", *sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))]
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
GLOSSARY = ROOT / "notebooks" / "glossary.md"
PAGES = [*LESSONS, *SOLUTIONS, GLOSSARY]
LONGEST = 35  # words of a sentence
NO_PROSE = (  # what is no sentence, or ends one, in a Markdown cell, and what to read instead
    (r"(?s)```.*?```|\$\$.*?\$\$", "\n\n"),
    (r"(?m)^#+ .*$|^ {4}.*$|^\s*(?:[*+-]|\d+\.)\s|<[^>]+>|\|", "\n\n"),
    (r"`[^`]*`|\$[^$]+\$", "X"),
    (r"!\[([^\]]*)\]\([^)]*\)", r"\n\n\1\n\n"),
    (r"\[([^\]]*)\]\([^)]*\)", r"\1"),
)
SENTENCE_ENDS = r"\n\s*\n|(?<=[.!?])[\")*_]*\s+(?=[\"(*_]*[A-Z0-9]|\([a-d]\))"


def markdown(path):
    """Read the prose of a notebook or of a Markdown file."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def sentences(prose):
    """List the sentences of Markdown; items, table cells and choices (a), (b) are their own."""
    for pattern, instead in NO_PROSE:
        prose = re.sub(pattern, instead, prose)
    return [" ".join(part.split()) for part in re.split(SENTENCE_ENDS, prose) if part.strip()]


def anchors(path):
    """List the anchors of the headings of a Markdown file, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere_and_pictures_are_described(path):
    prose = markdown(path)
    for mark, label, target in re.findall(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)", prose):
        if target.startswith("http"):
            continue
        assert label or not mark, f"{target} has no alt text"
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), f"{path.name} links to {target}"
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), f"{path.name}: {file} has no heading for #{anchor}"


def words(sentence):
    """Count the words of a sentence."""
    return sum(any(map(str.isalnum, word)) for word in sentence.split())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_sentences_are_short(path):
    long = [found for found in sentences(markdown(path)) if words(found) > LONGEST]
    assert not long, "\n".join(long)


def test_sentences_are_counted_without_code_links_and_lists():
    prose = "See [the *long* text](a/b.md#c-d), `x = 1`. Choose: (a) Yes. (b) No.\n\n* one\n* two\n"
    found = sentences(prose + "| a | b c |\n|---|---|\n$$x = y$$\n")
    assert [words(sentence) for sentence in found if words(sentence)] == [5, 3, 2, 1, 1, 1, 2]


def test_every_term_of_the_glossary_is_linked_from_a_lesson_and_in_order():
    terms = re.findall(r"^### (.+)$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(terms) >= 40
    assert terms == sorted(terms, key=str.lower)
    prose = "\n".join(map(markdown, LESSONS))
    linked = set(re.findall(r"glossary\.md#([\w-]+)", prose))
    missing = {re.sub(r"[^\w -]", "", term.lower()).replace(" ", "-") for term in terms} - linked
    assert not missing, f"no lesson links to {', '.join(sorted(missing))}"


# --- exercises -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", exercises.lessons())
def test_answers_are_right_and_none_is_no_answer(lesson):
    for exercise in exercises.lessons()[lesson].values():
        assert exercises.verdict(exercise, exercise["answer"]) == "right"
        assert exercises.verdict(exercise, None) == "not answered yet"
        assert exercises.verdict(exercise, "?").startswith("not yet")
        for choice, why in exercise.get("wrong", {}).items():
            assert exercises.verdict(exercise, choice) == f"not yet: {why}"


def test_answers_may_be_collections_or_numbers_that_are_near():
    several = {"answer": ["aa", "bb"]}
    for given in ({"aa", "bb"}, ["bb", "aa"], ("aa", "bb"), "aa, bb", "BB,AA"):
        assert exercises.verdict(several, given) == "right"
    assert exercises.verdict(several, ["aa"]) == "not yet"
    near = {"answer": 0.45, "near": 0.005}
    assert exercises.verdict(near, 0.4512) == "right"
    assert exercises.verdict(near, 0.46) == "not yet"


def merged_runs(log_probs):
    path = log_probs.argmax(axis=1)
    return [int(i) for k, i in enumerate(path) if i and (k == 0 or i != path[k - 1])]


def rounded(weights):
    scales = np.abs(weights).max(axis=0) / 127
    return np.round(weights / scales).astype(np.int8), scales


def brute_force(log_probs, label):
    every = itertools.product(range(log_probs.shape[1]), repeat=len(log_probs))
    fitting = [path for path in every if ctc.collapse(path) == tuple(label)]
    return np.logaddexp.reduce([log_probs[range(len(path)), path].sum() for path in fitting])


def straight_line(labels, right, wanted):
    logs = np.log(labels), np.log(np.divide(right, np.subtract(1, right)))
    slope, level = np.polyfit(*logs, 1)
    return np.exp((np.log(wanted / (1 - wanted)) - level) / slope)


def pooled(right):
    pools = []
    for value in right:
        pools.append((float(value), 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (high, m), (low, n) = pools[-2:]
            pools[-2:] = [((m * high + n * low) / (m + n), m + n)]
    return [level for level, count in pools for _ in range(count)]


SOLVED = {
    "greedy": merged_runs,
    "forward": brute_force,
    "merge": merge,
    "otsu": lambda counts: int(ink.otsu(counts)),
    "quantise": rounded,
    "own_rows": lambda batch, n, rank: [*range(batch)][rank * batch // n :][: batch // n],
    "law": straight_line,
    "pool": pooled,
}
WRONG = {
    "greedy": lambda log_probs: [int(i) for i in log_probs.argmax(axis=1) if i],
    "forward": lambda log_probs, label: float(log_probs.max(axis=1).sum()),
    "merge": str.upper,
    "otsu": lambda counts: int(np.average(range(256), weights=counts)),
    "quantise": lambda weights: (np.round(weights).astype(np.int8), np.ones(4)),
    "own_rows": lambda batch, n, rank: list(range(rank, batch, n)),
    "lstm": lambda x, h, c, W, U, b: (h, c),
    "law": lambda labels, right, wanted: labels[1] * wanted / right[1],
    "pool": lambda right: np.maximum.accumulate(right),
}


@pytest.mark.parametrize("task", SOLVED)
def test_a_right_function_is_accepted(task, capsys):
    assert exercises.agrees(task, SOLVED[task])
    assert capsys.readouterr().out.startswith("right: ")


@pytest.mark.parametrize("task", exercises.TASKS)
def test_a_wrong_function_is_refused_with_its_first_case(task, capsys):
    assert not exercises.agrees(task, WRONG[task])
    assert "not yet: case" in capsys.readouterr().out

    def broken(*given):
        raise IndexError("no such place")

    assert not exercises.agrees(task, broken)
    assert "IndexError: no such place" in capsys.readouterr().out


@pytest.mark.slow
def test_the_step_of_an_lstm_is_that_of_keras():
    from ocr.backend import keras

    cell = keras.layers.LSTMCell(2)
    cell.build((1, 3))
    for (x, h, c, *weights), wanted in exercises.TASKS["lstm"](np.random.default_rng(0)):
        cell.set_weights(weights)
        given = [np.asarray(part, np.float32)[None] for part in (x, h, c)]
        _, (new_h, new_c) = cell(given[0], given[1:])
        got = [keras.ops.convert_to_numpy(part)[0] for part in (new_h, new_c)]
        assert np.allclose(got, wanted, atol=1e-5)


# --- diagrams and curves -------------------------------------------------------------------------


def test_a_path_is_drawn_with_its_label():
    svg = diagrams.collapsing_svg("-aab-b")
    assert "collapses to abb" in svg and svg.count("<rect") == 1 + 6 + 5 + 3
    assert "collapses to nothing" in diagrams.collapsing_svg("--")


def test_a_notebook_shows_a_diagram_as_a_picture_with_its_description():
    svg = diagrams.collapsing_svg("-aab-b")
    shown = diagrams.bundle(svg)
    ((address, about),) = re.findall(r'<img src="data:([^"]+)" alt="([^"]+)"', shown["text/html"])
    assert base64.b64decode(address.removeprefix("image/svg+xml;base64,")).decode() == svg
    assert "abb" in about and shown["text/plain"].startswith("[picture: ")


def test_a_trellis_has_an_arrow_for_each_move():
    alpha = np.array([[0.2, 0.3, 0.0], [0.1, 0.2, 0.3]])
    svg = diagrams.trellis_svg(alpha, "-a-", [False, False, False])
    assert svg.count("<circle") == 6 and svg.count('class="line"') == 4
    assert "0.300" in svg


def test_full_logs_are_stored_in_the_full_profile_and_drawn_in_the_quick(tmp_path, monkeypatch):
    pd = pytest.importorskip("pandas")
    monkeypatch.setattr(utils, "LOGS", tmp_path)
    log = pd.DataFrame({"loss": [2.0, 1.0]}, index=pd.RangeIndex(1, 3, name="epoch"))
    monkeypatch.setenv("OCR_PROFILE", "quick")
    assert utils.full_logs("99", {"mine": log}) == {}
    monkeypatch.setenv("OCR_PROFILE", "full")
    assert utils.full_logs("99", {"mine": log}) == {}
    utils.full_logs("99", {"other": log.assign(blanks=0.5)})
    monkeypatch.setenv("OCR_PROFILE", "quick")
    stored = utils.full_logs("99", {})
    assert list(stored) == ["mine", "other"]
    assert list(stored["mine"].columns) == ["loss"]  # what the other one has is left out
    assert stored["mine"]["loss"].tolist() == [2.0, 1.0]


def test_an_unexpected_result_is_a_note_unless_it_is_a_test(monkeypatch, capsys):
    monkeypatch.delenv("OCR_STRICT", raising=False)
    utils.expect(False, "too low")
    assert "note: too low" in capsys.readouterr().out
    monkeypatch.setenv("OCR_STRICT", "1")
    with pytest.raises(AssertionError, match="too low"):
        utils.expect(False, "too low")


def test_an_area_from_few_errors_has_a_wide_interval():
    low, high = scores.auroc_interval(0.634, 1034, 6)
    assert low < 0.5 < high  # a guess is not excluded
    assert np.diff(scores.auroc_interval(0.9, 1000, 1000))[0] < 0.03
    assert np.isnan(scores.auroc_interval(0.5, 10, 0)).all()


# --- widgets -------------------------------------------------------------------------------------


@pytest.fixture
def no_page(monkeypatch):
    for name in play.SERVERS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def a_page(monkeypatch):
    """Pretend a page; list the (function, widget) pairs that it would let interact."""
    widgets, moved = pytest.importorskip("ipywidgets"), []
    monkeypatch.setenv(play.SERVERS[0], "lesson.ipynb")
    monkeypatch.setattr(widgets, "interact", lambda draw, value: moved.append((draw, value)))
    return moved


@pytest.fixture
def shown(monkeypatch):
    """List the names and descriptions of the plots that are shown."""
    found = []

    def show(name, alt=""):
        found.append((name, alt))
        plots.plt.close("all")

    monkeypatch.setattr(plots, "show", show)
    return found


class Strokes:
    """A reader of pictures of one character that answers "dark" or "light" by its ink."""

    normalisation = "unit"

    def prepare(self, picture):
        return SimpleNamespace(pixels=255 - picture[::20, ::20, None])

    def log_probs(self, batch):
        ink = batch.mean(axis=(1, 2, 3))
        return np.log(np.stack([0.01 + ink, 1.01 - ink], axis=1))

    def read(self, picture, top=1):
        if isinstance(picture, list):
            return [self.read(one) for one in picture]
        sure = float(np.mean(picture < 128))
        return SimpleNamespace(text="dark", confidence=sure, alternatives=[("dark", sure)])


def test_without_a_page_a_threshold_is_shown_once(no_page, shown, capsys):
    play.threshold(np.array([0.5, 0.95]), np.array([True, False]))
    assert capsys.readouterr().out == "from 0.90: 50.0% accepted, 0.0% of these right\n"
    ((name, about),) = shown
    assert name == "threshold" and "at 0.90: 0.0% of these right" in about


def test_on_a_page_a_threshold_moves(no_page, a_page, shown, capsys):
    play.threshold(np.array([0.5, 0.95]), np.array([True, False]))
    ((draw, slider),) = a_page
    assert slider.value == 0.9 and slider.options[0] == 0.0
    capsys.readouterr()
    draw(0.5)
    assert capsys.readouterr().out == "from 0.50: 100.0% accepted, 50.0% of these right\n"
    draw(0.99)
    assert "none accepted" in capsys.readouterr().out


def test_a_noughts_gap_moves(no_page, shown, capsys):
    assert (play.nought(0.3) < 128).sum() > (play.nought(0.0) < 128).sum() > 1000
    play.gap(Strokes(), (0, 0.2))
    assert [name for name, _ in shown] == ["gap"]


def test_on_a_page_a_noughts_gap_moves(no_page, a_page, shown):
    play.gap(Strokes())
    ((draw, slider),) = a_page
    assert slider.value == 0 and slider.options[-1] == 0.5
    draw(0.3)
    assert [name for name, _ in shown] == ["gap", "gap", "gap"]


def test_what_an_answer_rests_on_is_where_ink_is_covered():
    pixels = np.zeros((7, 7, 1), np.uint8)
    pixels[3, 3] = 255
    reader = Strokes()
    reader.log_probs = lambda batch: np.log(np.stack([batch.sum((1, 2, 3)) + 0.5] * 2, axis=1))
    falls = play.occlusion(reader, pixels)
    assert falls.shape == (7, 7) and (falls > 0).sum() == play.PATCH**2 and falls[3, 3] > 1


def test_a_drawing_is_read_and_drawn_anew_after_each_stroke(no_page, shown, monkeypatch, capsys):
    play.draw(Strokes(), play.nought(0.3))
    assert capsys.readouterr().out.startswith("read dark  confidence 0.")
    canvas, page = play.pen(play.nought(0.3)), []
    assert len(canvas.pixels) == play.SIDE**2 and "pointerdown" in str(canvas._esm)
    monkeypatch.setenv(play.SERVERS[0], "lesson.ipynb")
    monkeypatch.setattr(play, "pen", lambda start: canvas)
    monkeypatch.setattr("IPython.display.display", page.append)
    play.draw(Strokes(), play.nought(0.3))
    canvas.set_state({"pixels": memoryview(bytes(play.SIDE**2))})  # as a page sends it: all ink
    assert "confidence 1.000" in capsys.readouterr().out
    assert page[0].children[0] is canvas and len(shown) == 3


def test_one_output_is_left_of_a_loop_of_trainings(monkeypatch):
    cleared = []
    display = SimpleNamespace(clear_output=lambda wait: cleared.append(wait))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert list(play.in_turn("abc")) == ["a", "b", "c"] and not cleared
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
    assert list(play.in_turn("abc")) == ["a", "b", "c"] and cleared == [True, True]
