"""Widgets to play with in a lesson: sliders, text fields, a canvas, where there is a page for them.

Each draws a picture first, which stands wherever the notebook is shown. Under Jupyter Server (or
VS Code) a widget follows that draws it anew.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import cv2
import matplotlib.pyplot as plt
import numpy as np

from ocr import diagrams, plots
from ocr.paths import ROOT
from ocr.reading.ctc import Alphabet
from ocr.reading.images import normalise
from ocr.reading.reader import Reader

SERVERS = ("JPY_SESSION_NAME", "VSCODE_PID")  # set for the kernels that have a page


def has_page() -> bool:
    """Tell whether this kernel was started for a page; nbclient, nbval and runipy start none."""
    return any(name in os.environ for name in SERVERS)


def slider(draw: Callable, values: Sequence, start: Any, label: str):
    """Call draw(start); on a page, let a slider choose from `values` and draw again."""
    draw(start)
    if not has_page():
        return
    import ipywidgets as widgets  # for speed, and only where there is a page

    choose = widgets.SelectionSlider(options=list(values), value=start, description=label)
    widgets.interact(draw, value=choose)


def typed(draw: Callable, start: str, label: str):
    """Call draw(start); on a page, let a text field say what to draw."""
    draw(start)
    if not has_page():
        return
    import ipywidgets as widgets  # for speed, and only where there is a page

    field = widgets.Text(value=start, description=label, continuous_update=False)
    widgets.interact(draw, value=field)


def collapse(path: str):
    """Show what a path collapses to; on a page, type another one."""
    typed(lambda value: diagrams.collapsing(value, "collapse"), path, "path")


def threshold(sure: np.ndarray, right: np.ndarray, start: float = 0.9):
    """Show which share of readings a confidence threshold accepts, and which of these are right.

    sure: confidences, floats (n,). right: booleans (n,). On a page, move the threshold.
    """
    levels = np.arange(100) / 100
    accepted = np.array([(sure >= level).mean() for level in levels])
    good = [right[sure >= level].mean() if (sure >= level).any() else np.nan for level in levels]

    def draw(value):
        kept = sure >= value
        words = f"{right[kept].mean():.1%} of these right" if kept.any() else "none accepted"
        print(f"from {value:.2f}: {kept.mean():.1%} accepted, {words}")
        _, axis = plt.subplots(figsize=(7, 2.6), layout="constrained")
        axis.plot(levels, accepted, "-", label="share accepted")
        axis.plot(levels, good, "--", label="share right of the accepted")
        axis.axvline(value, color="black", linewidth=1)
        axis.set(xlabel="threshold on the confidence", ylabel="share", ylim=(0, 1.05))
        axis.grid(alpha=0.3)
        axis.legend(loc="lower left")
        plots.show("threshold", f"shares accepted and right by threshold; at {value:.2f}: {words}")

    slider(draw, [round(0.01 * k, 2) for k in range(100)], start, "threshold")


def training(image: np.ndarray, frames: Mapping[int, np.ndarray], alphabet: Alphabet, name: str):
    """Show what a CTC network says about one image at four steps; on a page, at every step.

    image: uint8 (H, W, 1). frames: {step of the training: log-probabilities (time, classes)}.
    """
    steps = list(frames)
    some = [steps[0], steps[len(steps) // 8], steps[len(steps) // 4], steps[-1]]
    plots.maps(image, {f"after step {k}": frames[k] for k in some}, alphabet, name)
    if has_page():
        draw = lambda value: plots.maps(image, {f"step {value}": frames[value]}, alphabet, name)
        slider(draw, steps, steps[-1], "step")


# --- a pen ---------------------------------------------------------------------------------------

SIDE = 140  # pixels of a drawing
PATCH = 5  # pixels that are covered at a time


def polyline(picture: np.ndarray, points: np.ndarray, width: int = 10):
    """Draw a dark line of `width` pixels through points, floats (n, 2) in 0..1, into a picture."""
    places = np.round(points * SIDE * 16).astype(np.int32)  # in sixteenths of a pixel
    cv2.polylines(picture, [places], False, 0, width, cv2.LINE_AA, 4)


def arc(centre: tuple, radii: tuple, start: float, end: float) -> np.ndarray:
    """Return points, floats (60, 2), of an ellipse's arc; angles in degrees, as in mathematics."""
    angle = np.radians(np.linspace(start, end, 60))
    return np.stack([np.cos(angle), -np.sin(angle)], axis=1) * radii + centre


def nought(gap: float) -> np.ndarray:
    """Draw a 0 whose line ends `gap` of the side below its beginning: dark on light, uint8."""
    picture, top = np.full((SIDE, SIDE), 255, np.uint8), 0.1 + gap
    polyline(picture, arc((0.5, 0.5), (0.26, 0.4), 50, 270))  # from the top right to the bottom
    polyline(picture, arc((0.5, (top + 0.9) / 2), (0.26, (0.9 - top) / 2), -90, 270))
    return picture


def gap(reader: Reader, gaps: Sequence[float] = (0, 0.05, 0.1, 0.15, 0.2, 0.3)):
    """Show how a reader reads a 0 that is not closed at the top; on a page, move the gap.

    gaps: shares of the picture's height.
    """

    def draw(values):
        pictures = [nought(value) for value in values]
        readings = reader.read(pictures)
        titles = [f"{r.text} {r.confidence:.2f}, gap {v:.0%}" for r, v in zip(readings, values)]
        plots.grid(np.stack(pictures)[..., None], titles, "gap", columns=6)

    draw(gaps)
    if has_page():
        some = [round(0.01 * k, 2) for k in range(51)]
        slider(lambda value: draw([value]), some, gaps[0], "gap")


def occlusion(reader: Reader, pixels: np.ndarray) -> np.ndarray:
    """Measure how far the log-probability of a reader's answer falls when a patch is blank.

    pixels: uint8 (H, W, 1), as the reader's `prepare` makes them, light on black. Returns floats
    (H, W), for a patch of PATCH x PATCH pixels around each place, 0 where nothing falls.
    """
    height, width = pixels.shape[:2]
    covered, half = np.repeat(pixels[None], 1 + height * width, axis=0), PATCH // 2
    for k, (y, x) in enumerate(np.ndindex(height, width), start=1):
        covered[k, max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1] = 0
    log_probs = reader.log_probs(normalise(covered, reader.normalisation))
    falls = log_probs[0] - log_probs[1:]
    return np.maximum(0, falls[:, log_probs[0].argmax()]).reshape(height, width)


def answer(reader: Reader, picture: np.ndarray):
    """Show a picture of one character, what it rests on, and the surest answers.

    picture: uint8 (H, W), dark on light.
    """
    reading, pixels = reader.read(picture, top=5), reader.prepare(picture).pixels
    _, axes = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained")
    shown = [picture, pixels[:, :, 0], 255 - pixels[:, :, 0] // 2]
    titles = ["drawn", "what the network sees", "red: what it rests on"]
    for axis, image, title in zip(axes, shown, titles):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        axis.set_title(title)
        axis.axis("off")
    falls = occlusion(reader, pixels)
    share = falls / max(falls.max(), 1e-9)
    axes[2].imshow(np.ones_like(share), cmap="Reds", vmin=0, vmax=1.3, alpha=0.8 * share)
    words = "  ".join(f"{text} {c:.3f}" for text, c in reading.alternatives)
    print(f"read {reading.text}  confidence {reading.confidence:.3f}  (all: {words})")
    plots.show("drawn", f"a drawn character, read as {reading.text}, and what it rests on")


def draw(reader: Reader, start: np.ndarray):
    """Show how a picture of one character is read; on a page, draw another one.

    start: uint8 (SIDE, SIDE), dark on light.
    """
    answer(reader, start)
    if not has_page():
        return
    import ipywidgets as widgets  # for speed, and only where there is a page
    from IPython.display import display

    canvas, below = pen(start), widgets.Output()

    def again(_):
        below.clear_output(wait=True)
        with below:
            answer(reader, np.frombuffer(canvas.pixels, np.uint8).reshape(SIDE, SIDE))

    canvas.observe(again, names="pixels")
    display(widgets.VBox([canvas, below]))


def pen(start: np.ndarray):
    """Build a widget to draw on: its `pixels` are SIDE * SIDE bytes, dark on light, by row."""
    import anywidget  # for speed, and only where there is a page
    import traitlets

    class Canvas(anywidget.AnyWidget):
        """A canvas; its JavaScript sends the pixels after each stroke."""

        _esm = ROOT / "notebooks" / "programs" / "canvas.js"
        side = traitlets.Int(SIDE).tag(sync=True)
        pixels = traitlets.Bytes().tag(sync=True, from_json=lambda value, widget: bytes(value))

    return Canvas(pixels=start.tobytes())


# --- trainings -----------------------------------------------------------------------------------


def in_turn(items: Iterable) -> Iterator:
    """Yield items; in a notebook the output of one replaces that of the one before.

    For a loop of trainings, so that one line is left of all.
    """
    for k, item in enumerate(items):
        if k and "ipykernel" in sys.modules:
            sys.modules["IPython.display"].clear_output(wait=True)
        yield item
