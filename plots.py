"""Pictures for the lessons: samples and reads, training curves, confidence. Each ends with `show(name)`."""
from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

FIGURES = Path(__file__).resolve().parent / "figures"  # ignored by git
RIGHT, WRONG = "#1a7f37", "#cf222e"
COLOURS = plt.rcParams["axes.prop_cycle"].by_key()["color"]
plt.rcParams["figure.dpi"] = 80


def show(name: str):
    """Show the current figure in a notebook; on a terminal save it as figures/NAME.png and say so."""
    if "ipykernel" in sys.modules:
        plt.show()
        return
    FIGURES.mkdir(exist_ok=True)
    plt.savefig(FIGURES / f"{name}.png", bbox_inches="tight")
    plt.close()
    print(f"picture: {FIGURES.name}/{name}.png")


def grid(images: np.ndarray, titles, name: str, right=None, columns: int = 4):
    """uint8 images (n, H, W, C) in rows, a title over each; with `right` (n booleans) titles are green or red."""
    rows = -(-len(images) // columns)
    height, width = images.shape[1:3]
    figure, axes = plt.subplots(rows, columns, squeeze=False,
                                figsize=(3 * columns, rows * (3 * height / width + 0.35)), layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    for i, (axis, image, title) in enumerate(zip(axes.flat, images, titles)):
        axis.imshow(image[:, :, 0] if image.shape[2] == 1 else image, cmap="gray", vmin=0, vmax=255)
        colour = "black" if right is None else RIGHT if right[i] else WRONG
        axis.set_title(title, fontsize=11, color=colour, family="monospace", parse_math=False)  # a $ is a $
    show(name)


def curves(histories: dict, columns: dict, name: str):
    """One panel a column (`{column: title}`), one line a training (`{label: DataFrame by epoch}`)."""
    wide = 2 if len(columns) % 2 == 0 else 3
    rows = -(-len(columns) // wide)
    figure, axes = plt.subplots(rows, wide, figsize=(11, 2.8 * rows), squeeze=False, layout="constrained")
    for axis, (column, title) in zip(axes.flat, columns.items()):
        for colour, (label, history) in zip(COLOURS, histories.items()):
            for shown, style, part in ((column, "-", ""), (f"val_{column}", "--", ", validation")):
                if shown in history:
                    axis.plot(history.index, history[shown], style, color=colour, label=label + part)
        axis.set(title=title, xlabel="epoch", yscale="log" if column == "loss" else "linear")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    show(name)


def confidence(values, right, name: str):
    """How confident are right and wrong reads, and how accurate are the reads that a threshold would let pass?"""
    values, right = np.asarray(values), np.asarray(right, bool)
    figure, (left, other) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    bins = np.linspace(0, 1, 21)
    left.hist([values[right], values[~right]], bins, color=[RIGHT, WRONG], label=["right", "wrong"])
    left.set(title="confidence of the reads", xlabel="confidence", ylabel="images", yscale="log")
    left.legend()
    order = np.argsort(-values)
    kept = np.arange(1, len(values) + 1)
    other.plot(kept / len(values), np.cumsum(right[order]) / kept)
    other.set(title="accuracy of the most confident share", xlabel="share of the images that is accepted",
              ylabel="exact match")
    other.grid(alpha=0.3)
    show(name)
