"""Plot samples, training curves, confidence and errors; every function ends with `show(name)`.

In a notebook a figure is shown; in a terminal it is saved in figures/.
"""

import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from PIL import Image

from ocr import paths
from ocr.reading.ctc import Alphabet, align
from ocr.scores import wilson

RIGHT, WRONG = "#1a7f37", "#cf222e"  # colours of correct and incorrect readings
COLOURS = plt.rcParams["axes.prop_cycle"].by_key()["color"]
CHARACTERS: dict[str, Any] = {"family": "monospace", "parse_math": False}  # a $ is a $
FLOOR = -12  # lowest log-probability that `alignment` tells apart
plt.rcParams["figure.dpi"] = 80
SHARP = 144  # dots an inch of what is stored; shown at figure.dpi
FEW = 5  # readings below which a bin of a reliability diagram says nothing
PALETTE = 48  # colours of a stored picture: a third of the bytes


def show(name: str, alt: str = ""):
    """Show the current figure in a notebook; in a terminal save it as figures/NAME.png.

    alt: what the picture shows, for who cannot see it; default: the titles of its panels.
    """
    if "ipykernel" in sys.modules:
        display, figure = sys.modules["IPython.display"], plt.gcf()
        picture, width = _stored(figure)
        alt = alt or "; ".join(filter(None, (axis.get_title() for axis in figure.axes)))[:300]
        about = {"alt": alt or name}  # Colab's IPython 7 has no argument `alt`
        display.display(display.Image(picture, width=width, metadata=about))
        plt.close()
        return
    paths.FIGURES.mkdir(exist_ok=True)
    plt.savefig(paths.FIGURES / f"{name}.png", bbox_inches="tight")
    plt.close()
    print(f"picture: {paths.FIGURES.name}/{name}.png")


def _stored(figure) -> tuple[bytes, int]:
    """Render a figure as a sharp PNG of few colours: (its bytes, the width to show it at)."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, dpi=SHARP, bbox_inches="tight")
    how = Image.Quantize.MAXCOVERAGE, 1  # coverage and a step of k-means keep rare colours
    picture = Image.open(drawn).convert("RGB").quantize(PALETTE, *how, dither=Image.Dither.NONE)
    picture.save(small, "png", optimize=True)
    return small.getvalue(), round(picture.width * plt.rcParams["figure.dpi"] / SHARP)


def grid(
    images: np.ndarray,
    titles: Iterable,
    name: str,
    right: Sequence | np.ndarray | None = None,
    columns: int = 4,
):
    """Plot images (uint8 (n, H, W, 1 or 3)) in rows of `columns`, each with its title.

    right: n booleans that colour the titles, green where true and red where false.
    """
    rows = -(-len(images) // columns)
    high = 12 / columns * images.shape[1] / images.shape[2]  # inches
    _, axes = plt.subplots(
        rows,
        columns,
        squeeze=False,
        figsize=(12, rows * (high + 0.35)),
        layout="constrained",
    )
    for axis in axes.flat:
        axis.axis("off")
    for i, (axis, image, title) in enumerate(zip(axes.flat, images, titles)):
        colour = "black" if right is None else RIGHT if right[i] else WRONG
        axis.set_title(title, fontsize=11, color=colour, **CHARACTERS)
        pixels = image[:, :, 0] if image.shape[2] == 1 else image
        # "nearest" keeps the number of colours small, so that the PNG compresses well
        axis.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    show(name)


def curves(
    histories: Mapping, columns: Mapping[str, str], name: str, beside: Mapping | None = None
):
    """Plot training logs: one panel per column, one colour per training, validation dashed.

    histories: {label: log, a DataFrame with one row per epoch}. columns: {column: panel title};
    `val_COLUMN` is the same metric on validation images. A loss has a logarithmic scale. beside:
    logs of the full profile, {label: log}, drawn thin and dotted in the colour of the same label.
    """
    wide = 2 if len(columns) % 2 == 0 else 3
    rows = -(-len(columns) // wide)
    figure, axes = plt.subplots(
        rows, wide, figsize=(11, 2.8 * rows), squeeze=False, layout="constrained"
    )
    for axis, (column, title) in zip(axes.flat, columns.items()):
        for colour, (label, history) in zip(COLOURS, histories.items()):
            _curve(axis, history, column, colour)
            _full_curve(axis, (beside or {}).get(label), column, colour)
        axis.set(title=title, xlabel="epoch", yscale="log" if column == "loss" else "linear")
        axis.grid(alpha=0.3)
    lines = [plt.Line2D([], [], color=colour) for colour, _ in zip(COLOURS, histories)]
    lines.append(plt.Line2D([], [], color="black", linestyle="--"))
    labels = [*histories, "dashed: validation"]
    if beside:
        lines.append(plt.Line2D([], [], color="black", linestyle=":"))
        labels.append("dotted: the full profile")
    figure.legend(lines, labels, loc="outside lower center", ncols=5, fontsize=9)
    show(name)


def _curve(axis: Axes, history, column: str, colour: str):
    """Plot one metric over the epochs, and the same on validation images, where logged."""
    marker = "o" if len(history) < 3 else None  # a line through so few points is easily missed
    for logged, style in ((column, "-"), (f"val_{column}", "--")):
        if logged in history:
            axis.plot(history.index, history[logged], style, color=colour, marker=marker)


def _full_curve(axis: Axes, history, column: str, colour: str):
    """Plot one metric of a stored training of the full profile, on validation images if logged."""
    if history is None:
        return
    logged = next((name for name in (f"val_{column}", column) if name in history), None)
    if logged:
        axis.plot(history.index, history[logged], ":", color=colour, linewidth=1.2)


def confidence(values, right, name: str):
    """Plot how far the confidence can be trusted, in three panels.

    A histogram of correct and incorrect readings; a reliability diagram (DeGroot and Fienberg
    1983) with 95 % intervals; and the accuracy of the most confident share of the readings.
    values: confidences, floats (n,). right: was each reading correct, booleans (n,).
    """
    values, right = np.asarray(values), np.asarray(right, bool)
    _, (left, middle, other) = plt.subplots(1, 3, figsize=(12, 3), layout="constrained")
    bins = np.linspace(0, 1, 21)
    left.hist([values[right], values[~right]], bins, color=[RIGHT, WRONG], label=["right", "wrong"])
    left.set(title="confidence of the reads", xlabel="confidence", ylabel="images", yscale="log")
    left.legend()
    _reliability(middle, values, right)
    order = np.argsort(-values)
    kept = np.arange(1, len(values) + 1)
    other.plot(kept / len(values), np.cumsum(right[order]) / kept)
    other.set(
        title="accuracy of the most confident share",
        xlabel="share of the images that is accepted",
        ylabel="exact match",
    )
    for axis in (middle, other):
        axis.grid(alpha=0.3)
    show(name)


def _reliability(axis: Axes, values: np.ndarray, right: np.ndarray):
    """Plot accuracy against mean confidence in ten bins of equal width, of FEW readings or more."""
    bins = np.clip((values * 10).astype(int), 0, 9)
    members = [bins == k for k in np.unique(bins) if (bins == k).sum() >= min(FEW, len(values))]
    means = [(values[rows].mean(), right[rows].mean()) for rows in members]
    bounds = [wilson(int(right[rows].sum()), int(rows.sum())) for rows in members]
    axis.plot([0, 1], [0, 1], color="grey", linewidth=1)
    if means:
        axis.vlines([mean for mean, _ in means], *zip(*bounds), color=COLOURS[0], alpha=0.5)
        axis.plot(*zip(*means), "o-", color=COLOURS[0])
    axis.set(title="reliability, 95 % intervals", xlabel="confidence", ylabel="exact match")


def tradeoff(lines: Mapping[str, tuple], name: str, cost: str, gain: str):
    """Plot gain against cost, one line of points per entry: {label: (costs, gains)}.

    cost, gain: titles of the axes.
    """
    _, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for label, (costs, gains) in lines.items():
        axis.plot(costs, gains, "o-", markersize=4, label=label)
    axis.set(xlabel=cost, ylabel=gain)
    axis.grid(alpha=0.3)
    axis.legend()
    show(name)


def confusion(matrix: np.ndarray, symbols: Sequence[str], name: str):
    """Plot a confusion matrix as shares of each row, on a logarithmic scale.

    matrix: counts, ints (true class, predicted class). symbols: one character per class.
    """
    shares = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    figure, axis = plt.subplots(figsize=(9, 8), layout="constrained")
    picture = axis.imshow(shares, cmap="magma", norm=LogNorm(vmin=0.003, vmax=1))
    axis.set_facecolor("black")
    axis.set_xticks(range(len(symbols)), symbols, fontsize=8, **CHARACTERS)
    axis.set_yticks(range(len(symbols)), symbols, fontsize=8, **CHARACTERS)
    axis.set(xlabel="read as", ylabel="true character")
    figure.colorbar(picture, label="share of the true character", shrink=0.7)
    show(name)


def bars(values: Mapping[str, float], name: str, title: str, marked: Iterable[str] = ()):
    """Plot one bar per key, largest first, those in `marked` in another colour; long keys stand."""
    ordered, marked = sorted(values, key=lambda key: -values[key]), set(marked)
    colours = [COLOURS[1] if key in marked else COLOURS[0] for key in ordered]
    _, axis = plt.subplots(figsize=(11, 2.8), layout="constrained")
    axis.bar(ordered, [values[key] for key in ordered], color=colours)
    axis.tick_params("x", labelfontfamily="monospace", rotation=90 * (max(map(len, ordered)) > 8))
    axis.set_title(title)
    axis.grid(alpha=0.3, axis="y")
    show(name)


def heat(images: np.ndarray, maps: Iterable[np.ndarray], titles: Iterable[str], name: str):
    """Plot heat maps, in red, over images in one row.

    images: uint8 (n, H, W, 1). maps: n arrays (H, W) of values >= 0; each is scaled to its maximum.
    """
    figsize = (12, 12 / len(images) + 0.35)
    _, axes = plt.subplots(1, len(images), figsize=figsize, layout="constrained")
    for axis, image, values, title in zip(np.atleast_1d(axes), images, maps, titles):
        axis.imshow(image[:, :, 0], cmap="gray", vmin=0, vmax=255)
        share = values / max(values.max(), 1e-9)
        axis.imshow(np.ones_like(share), cmap="Reds", vmin=0, vmax=1.3, alpha=0.8 * share)
        axis.set_title(title, fontsize=9, **CHARACTERS)
        axis.axis("off")
    show(name)


def alignment(
    image: np.ndarray, log_probs: np.ndarray, indices: Sequence[int], alphabet: Alphabet, name: str
):
    """Plot an image above the log-probabilities of a CTC network, and mark where it read what.

    image: uint8 (H, W, 1). log_probs: floats (time, classes). indices: the reading, without blanks.
    """
    steps, classes = log_probs.shape
    _, (top, bottom) = plt.subplots(
        2, 1, figsize=(11, 4.2), layout="constrained", height_ratios=(1, 1.6)
    )
    extent = (0, steps, 1, 0)  # both panels share the axis of time
    top.imshow(image[:, :, 0], cmap="gray", vmin=0, vmax=255, aspect="auto", extent=extent)
    top.axis("off")
    bottom.imshow(
        np.maximum(log_probs.T, FLOOR),
        cmap="magma",
        aspect="auto",
        interpolation="nearest",
        extent=(0, steps, classes, 0),
    )
    names = ["blank", *alphabet.symbols]
    bottom.set_yticks(np.arange(classes) + 0.5, names, fontsize=7, family="monospace")
    bottom.set(xlabel="time step")
    centred = {"ha": "center", "va": "bottom", "family": "monospace"}
    for (start, end), index in zip(align(log_probs, indices), indices):
        top.axvspan(start, end, color=COLOURS[1], alpha=0.35)
        top.text((start + end) / 2, -0.05, names[index], **centred)
    show(name)


def maps(image: np.ndarray, frames: Mapping[str, np.ndarray], alphabet: Alphabet, name: str):
    """Plot an image above what a CTC network says of it at several moments: {title: log_probs}.

    image: uint8 (H, W, 1). log_probs: floats (time, classes); the panels share a colour bar.
    """
    figure, axes = plt.subplots(
        2, len(frames), figsize=(11, 4.2), squeeze=False, layout="constrained", height_ratios=(1, 3)
    )
    names = ["blank", *alphabet.symbols]
    for column, (title, log_probs) in zip(axes.T, frames.items()):
        column[0].imshow(image[:, :, 0], cmap="gray", vmin=0, vmax=255, aspect="auto")
        column[0].axis("off")
        column[0].set_title(title)
        extent = (0, len(log_probs), len(names), 0)
        drawn = column[1].imshow(
            np.exp(log_probs.T), cmap="magma", vmin=0, vmax=1, aspect="auto", extent=extent
        )
        column[1].set(xlabel="time step")
        column[1].set_yticks(np.arange(len(names)) + 0.5, names, fontsize=8, family="monospace")
    figure.colorbar(drawn, ax=axes[1], label="probability")
    show(name)


def dots(values: Mapping[str, Sequence[float]], name: str, title: str):
    """Plot one row per key with a dot per value (a seed) and a bar at their mean."""
    _, axis = plt.subplots(figsize=(8, 0.6 + 0.42 * len(values)), layout="constrained")
    for row, found in enumerate(values.values()):
        axis.barh(row, np.mean(found), height=0.55, color=COLOURS[0], alpha=0.35)
        axis.plot(found, [row] * len(found), "o", color="black", markersize=5, fillstyle="none")
    axis.set_yticks(range(len(values)), list(values))
    axis.invert_yaxis()
    axis.set_title(title)
    axis.grid(alpha=0.3, axis="x")
    show(name)
