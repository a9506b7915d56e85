"""Widgets to play with in a lesson: sliders and text fields, where there is a page to move them.

Each draws a picture first, which stands wherever the notebook is shown. Under Jupyter Server (or
VS Code) a widget follows that draws it anew.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ocr import diagrams, plots
from ocr.reading.ctc import Alphabet

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
    """Print how many readings a confidence threshold accepts, and how many of these are right.

    sure: confidences, floats (n,). right: booleans (n,). On a page, move the threshold.
    """

    def draw(value):
        accepted = sure >= value
        good = f"{right[accepted].mean():.1%} of these right" if accepted.any() else "none accepted"
        print(f"from {value:.2f}: {accepted.mean():.1%} accepted, {good}")

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
