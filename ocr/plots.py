"""Pictures for the lessons: samples and reads, training curves, confidence. Each ends with `show(name)`."""

import sys

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from ocr.paths import FIGURES
from ocr.reading.ctc import align
from ocr.scores import wilson

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
    side = 12 / columns  # inches
    figure, axes = plt.subplots(
        rows,
        columns,
        squeeze=False,
        figsize=(12, rows * (side * height / width + 0.35)),
        layout="constrained",
    )
    for axis in axes.flat:
        axis.axis("off")
    for i, (axis, image, title) in enumerate(zip(axes.flat, images, titles)):
        axis.imshow(
            image[:, :, 0] if image.shape[2] == 1 else image,
            cmap="gray",
            vmin=0,
            vmax=255,
            interpolation="nearest",
        )  # compresses well
        colour = "black" if right is None else RIGHT if right[i] else WRONG
        axis.set_title(
            title, fontsize=11, color=colour, family="monospace", parse_math=False
        )  # a $ is a $
    show(name)


def curves(histories: dict, columns: dict, name: str):
    """One panel a column (`{column: title}`), one colour a training (`{label: DataFrame by epoch}`); validation is dashed."""
    wide = 2 if len(columns) % 2 == 0 else 3
    rows = -(-len(columns) // wide)
    figure, axes = plt.subplots(
        rows, wide, figsize=(11, 2.8 * rows), squeeze=False, layout="constrained"
    )
    for axis, (column, title) in zip(axes.flat, columns.items()):
        for colour, history in zip(COLOURS, histories.values()):
            for shown, style in ((column, "-"), (f"val_{column}", "--")):
                if shown in history:
                    axis.plot(
                        history.index,
                        history[shown],
                        style,
                        color=colour,
                        marker="o" if len(history) < 3 else None,
                    )
        axis.set(title=title, xlabel="epoch", yscale="log" if column == "loss" else "linear")
        axis.grid(alpha=0.3)
    lines = [plt.Line2D([], [], color=colour) for colour, _ in zip(COLOURS, histories)]
    dashed = plt.Line2D([], [], color="grey", linestyle="--")
    figure.legend(
        [*lines, dashed],
        [*histories, "validation"],
        loc="outside lower center",
        ncols=5,
        fontsize=9,
    )
    show(name)


def confidence(values, right, name: str):
    """How confident are right and wrong reads, does the confidence tell the truth, and how accurate are the reads that a
    threshold would let pass?
    """
    values, right = np.asarray(values), np.asarray(right, bool)
    figure, (left, middle, other) = plt.subplots(1, 3, figsize=(12, 3), layout="constrained")
    bins = np.linspace(0, 1, 21)
    left.hist([values[right], values[~right]], bins, color=[RIGHT, WRONG], label=["right", "wrong"])
    left.set(title="confidence of the reads", xlabel="confidence", ylabel="images", yscale="log")
    left.legend()
    which = np.clip((values * 10).astype(int), 0, 9)
    filled = [k for k in range(10) if (which == k).any()]
    means = [(values[which == k].mean(), right[which == k].mean()) for k in filled]
    bounds = [wilson(int(right[which == k].sum()), int((which == k).sum())) for k in filled]
    middle.plot([0, 1], [0, 1], color="grey", linewidth=1)
    middle.vlines([c for c, _ in means], *zip(*bounds), color=COLOURS[0], alpha=0.5)
    middle.plot(*zip(*means), "o-", color=COLOURS[0])
    middle.set(title="reliability, 95 % intervals", xlabel="confidence", ylabel="exact match")
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


def tradeoff(lines: dict, name: str, cost: str, gain: str):
    """One line of points a key, `{label: (costs, gains)}`: what more of the one buys of the other."""
    figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for label, (costs, gains) in lines.items():
        axis.plot(costs, gains, "o-", markersize=4, label=label)
    axis.set(xlabel=cost, ylabel=gain)
    axis.grid(alpha=0.3)
    axis.legend()
    show(name)


def confusion(matrix: np.ndarray, symbols, name: str):
    """A confusion matrix (true class, read class) of counts as shares of each row, on a logarithmic scale."""
    shares = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    figure, axis = plt.subplots(figsize=(9, 8), layout="constrained")
    picture = axis.imshow(shares, cmap="magma", norm=LogNorm(vmin=0.003, vmax=1))
    axis.set_facecolor("black")
    axis.set_xticks(range(len(symbols)), symbols, fontsize=8, family="monospace", parse_math=False)
    axis.set_yticks(range(len(symbols)), symbols, fontsize=8, family="monospace", parse_math=False)
    axis.set(xlabel="read as", ylabel="true character")
    figure.colorbar(picture, label="share of the true character", shrink=0.7)
    show(name)


def bars(values: dict, name: str, title: str, marked=()):
    """One bar a key, largest first; the keys in `marked` in another colour."""
    ordered = sorted(values, key=lambda key: -values[key])
    figure, axis = plt.subplots(figsize=(11, 2.8), layout="constrained")
    axis.bar(
        range(len(ordered)),
        [values[key] for key in ordered],
        color=[COLOURS[1] if key in marked else COLOURS[0] for key in ordered],
    )
    axis.set_xticks(range(len(ordered)), ordered, family="monospace", parse_math=False)
    axis.set_title(title)
    axis.grid(alpha=0.3, axis="y")
    show(name)


def heat(images: np.ndarray, maps, titles, name: str):
    """uint8 images (n, H, W, 1) in one row, each with its map (H, W) of values >= 0 laid over it in red."""
    figure, axes = plt.subplots(
        1, len(images), figsize=(12, 12 / len(images) + 0.35), layout="constrained"
    )
    for axis, image, values, title in zip(np.atleast_1d(axes), images, maps, titles):
        axis.imshow(image[:, :, 0], cmap="gray", vmin=0, vmax=255)
        share = values / max(values.max(), 1e-9)
        axis.imshow(np.ones_like(share), cmap="Reds", vmin=0, vmax=1.3, alpha=0.8 * share)
        axis.set_title(title, fontsize=9, family="monospace", parse_math=False)
        axis.axis("off")
    show(name)


def alignment(image: np.ndarray, log_probs: np.ndarray, indices, alphabet, name: str):
    """A uint8 image (H, W, 1), below it the log-probabilities (time, classes) of a CTC network, and where it read `indices`."""
    spans = align(log_probs, indices)
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(11, 4.2), layout="constrained", height_ratios=(1, 1.6)
    )
    top.imshow(
        image[:, :, 0],
        cmap="gray",
        vmin=0,
        vmax=255,
        aspect="auto",
        extent=(0, len(log_probs), 1, 0),
    )
    bottom.imshow(
        np.maximum(log_probs.T, -12),
        cmap="magma",
        aspect="auto",
        interpolation="nearest",
        extent=(0, len(log_probs), log_probs.shape[1], 0),
    )
    bottom.set_yticks(
        np.arange(log_probs.shape[1]) + 0.5,
        ["blank", *alphabet.symbols],
        fontsize=7,
        family="monospace",
    )
    bottom.set(xlabel="time step")
    top.axis("off")
    for (start, end), index in zip(spans, indices):
        top.axvspan(start, end, color=COLOURS[1], alpha=0.35)
        top.text(
            (start + end) / 2,
            -0.05,
            alphabet.symbols[index - 1],
            ha="center",
            va="bottom",
            family="monospace",
        )
    show(name)
