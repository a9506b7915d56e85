"""Draw networks, and the paths and the trellis of CTC, as SVG: from a layer table, from numbers.

In a notebook a diagram is shown; in a terminal it is saved in figures/. Text is dark on a light
card of its own, so that it can be read on a dark page too.
"""

import base64
import sys
from collections.abc import Mapping, Sequence
from html import escape, unescape
from typing import Any, NamedTuple

import numpy as np

from ocr import paths

BOX, LANE, ROW = (300, 36), 325, 50  # pixels: width and height of a box; steps right and down
HEAD, MARGIN = 34, 12
FILLS = {  # light, and told apart by their text as well
    "Conv2D": "#d6e6f5",
    "Bidirectional": "#fbe3c0",
    "LSTM": "#fbe3c0",
    "GRU": "#fbe3c0",
    "Dense": "#d9ead3",
    "InputLayer": "#ffffff",
}
FOLDED = {  # layers that are named in the box of the layer before them
    "BatchNormalization": "batch norm",
    "ReLU": "ReLU",
    "Dropout": "dropout",
    "Activation": "activation",
}


class Box(NamedTuple):
    """One box of a network: its layer, what it does, and where it stands."""

    layer: Any
    words: list[str]
    parents: list[int]
    row: int
    lane: int


def show(svg: str, name: str):
    """Show an SVG in a notebook; in a terminal save it as figures/NAME.svg.

    As a picture in HTML: JupyterLab shows no SVG of a notebook that was not run on this computer.
    """
    if "ipykernel" in sys.modules:
        sys.modules["IPython.display"].display(bundle(svg), raw=True)
        return
    paths.FIGURES.mkdir(exist_ok=True)
    (paths.FIGURES / f"{name}.svg").write_text(svg, encoding="utf-8")
    print(f"picture: {paths.FIGURES.name}/{name}.svg")


def bundle(svg: str) -> dict[str, str]:
    """Return what a notebook shows of an SVG with a title, {MIME type: text}."""
    about = svg.partition("<title>")[2].partition("</title>")[0]  # escaped already
    address = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    html = f'<img src="{address}" alt="{about}" style="max-width: 100%">'
    return {"text/html": html, "text/plain": f"[picture: {unescape(about)}]"}


def networks(models: Mapping[str, Any], name: str):
    """Show Keras models side by side: {title: model}; shapes and parameters as Keras counts."""
    show(network_svg(models), name)


def network_svg(models: Mapping[str, Any]) -> str:
    """Draw Keras models side by side as one SVG, a box a layer, from their layer tables."""
    parts, left, deepest = [], MARGIN, 0
    for title, model in models.items():
        boxes = boxes_of(model)
        heading = f"{title}: {model.count_params():,} parameters"
        parts.append(text(left, 22, heading, 14, bold=True))
        parts += [_box(box, boxes, left) for box in boxes]
        left += LANE * (1 + max(box.lane for box in boxes))
        deepest = max(deepest, 1 + max(box.row for box in boxes))
    what = "; ".join(
        f"{title}, {model.count_params():,} parameters" for title, model in models.items()
    )
    return card("\n".join(parts), left, HEAD + ROW * deepest, f"The layers of networks: {what}.")


def boxes_of(model) -> list[Box]:
    """List the boxes of a Keras model: normalisation, activation, dropout join the layer before."""
    boxes: list[Box] = []
    where: dict[int, int] = {}  # id of a layer: its box
    for layer in model.layers:
        parents = [where[id(source)] for source in sources(layer) if id(source) in where]
        kind = type(layer).__name__
        if kind in FOLDED and len(parents) == 1:
            boxes[parents[0]].words.append(FOLDED[kind])
            where[id(layer)] = parents[0]
            continue
        row = 1 + max((boxes[parent].row for parent in parents), default=-1)
        used = [box.lane for box in boxes if box.row == row]
        lane = min((boxes[parent].lane for parent in parents), default=len(used))
        where[id(layer)] = len(boxes)
        boxes.append(Box(layer, [described(layer)], parents, row, lane))
    return boxes


def sources(layer) -> list:
    """List the layers whose outputs a Keras layer takes."""
    if type(layer).__name__ == "InputLayer":
        return []
    inputs = layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
    return [tensor._keras_history.operation for tensor in inputs]


def described(layer) -> str:
    """Describe a Keras layer in a few words."""
    kind = type(layer).__name__
    if kind == "Conv2D":
        size, stride = " x ".join(map(str, layer.kernel_size)), _stride(layer.strides)
        words = f"convolution {size}, {layer.filters} filters{stride}"
    elif kind == "MaxPooling2D":
        words = f"max pooling {' x '.join(map(str, layer.pool_size))}{_stride(layer.strides)}"
    elif kind == "Bidirectional":
        inner = layer.forward_layer
        words = f"{type(inner).__name__}, {inner.units} units, both ways"
    elif kind == "Dense":
        words = "dense: logits" if layer.name.startswith("logits") else f"dense, {layer.units}"
    else:
        words = {
            "InputLayer": f"input: {layer.name}",
            "Permute": "width first: it becomes time",
            "Reshape": "reshape",
            "Flatten": "flatten",
            "Add": "add the shortcut",
            "Concatenate": "side by side",
            "ZeroPadding2D": "black border",
        }.get(kind, kind)
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return words + (", ReLU" if activation == "relu" else "")


def _stride(strides) -> str:
    if set(strides) == {1}:
        return ""
    return f", stride {strides[0] if len(set(strides)) == 1 else ' x '.join(map(str, strides))}"


def _box(box: Box, boxes: list[Box], left: int) -> str:
    """Draw one box with its arrows from its parents; a shortcut runs round on the left."""
    x, y = left + LANE * box.lane, HEAD + ROW * box.row
    middle, parts = x + BOX[0] / 2, []
    for parent in box.parents:
        above = boxes[parent]
        start_x, start_y = left + LANE * above.lane + BOX[0] / 2, HEAD + ROW * above.row + BOX[1]
        if above.lane == box.lane and box.row - above.row > 1:
            side = x - 7
            points = f"M{x},{start_y - 18} H{side} V{y + 18} H{x}"
            parts.append(f'<path d="{points}" class="line" marker-end="url(#tip)"/>')
        else:
            points = f"M{start_x},{start_y} L{middle},{y - 1}"
            parts.append(f'<path d="{points}" class="line" marker-end="url(#tip)"/>')
    fill = FILLS.get(type(box.layer).__name__, "#eeeeee")
    parts.append(
        f'<rect x="{x}" y="{y}" width="{BOX[0]}" height="{BOX[1]}" rx="5" fill="{fill}" '
        'stroke="#57606a"/>'
    )
    parts.append(text(x + 8, y + 15, ", ".join(box.words), 11))
    parts.append(text(x + 8, y + 30, _facts(box.layer), 11, colour="#424a53"))
    return "\n".join(parts)


def _facts(layer) -> str:
    """Say the shape that leaves a layer, and its number of parameters."""
    output = layer.output[0] if isinstance(layer.output, (list, tuple)) else layer.output
    shape = " x ".join("any" if side is None else str(side) for side in output.shape[1:])
    count = layer.count_params()
    return f"{shape}" + (f"    {count:,} parameters" if count else "")


def text(
    x: float, y: float, words: str, size: int = 12, *, bold=False, colour="#1f2328", anchor="start"
) -> str:
    """Write a line of text at a point of an SVG."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}" '
        f'text-anchor="{anchor}"{weight} xml:space="preserve">{escape(words)}</text>'
    )


def card(content: str, width: float, height: float, what: str) -> str:
    """Put the parts of an SVG on a light card; `what` describes it to who cannot see it."""
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" \
width="{width:g}" style="max-width: 100%; height: auto" role="img" \
font-family="Helvetica, Arial, sans-serif">
<title>{escape(what)}</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" \
orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#57606a"/></marker></defs>
<style>.line {{ fill: none; stroke: #57606a; }}</style>
<rect width="100%" height="100%" rx="8" fill="#fbfbfb"/>
{content}
</svg>"""


# --- CTC -----------------------------------------------------------------------------------------


def collapsing(path: str, name: str):
    """Show in three rows how a path becomes a label: its steps, runs merged, blanks dropped.

    path: one symbol a step, `-` for blank.
    """
    show(collapsing_svg(path), name)


def collapsing_svg(path: str) -> str:
    """Draw how a path (one symbol a step, `-` for blank) becomes a label."""
    runs = [k for k, symbol in enumerate(path) if k == 0 or symbol != path[k - 1]]
    label = [k for k in runs if path[k] != "-"]
    rows = ("the path, one symbol a step", range(len(path))), ("runs become one", runs)
    parts, side = [], 40
    for row, (title, kept) in enumerate((*rows, ("blanks go: the label", label))):
        top = 14 + 70 * row
        parts.append(text(12, top + 24, title))
        for k in kept:
            x = 190 + side * k
            fill = "#eeeeee" if path[k] == "-" else "#d6e6f5"
            parts.append(
                f'<rect x="{x}" y="{top}" width="{side - 6}" height="34" rx="5" fill="{fill}" '
                'stroke="#57606a"/>'
            )
            parts.append(text(x + 17, top + 23, path[k], 16, anchor="middle"))
            if row < 2 and k in (runs, label)[row]:
                line = f"M{x + 17},{top + 34} V{top + 69}"
                parts.append(f'<path d="{line}" class="line" marker-end="url(#tip)"/>')
    read = "".join(path[k] for k in label) or "nothing"
    what = f"The path {path} collapses to {read}: runs become one, then blanks go."
    return card("\n".join(parts), 200 + side * len(path), 204, what)


def trellis(alpha: np.ndarray, states: Sequence[str], name: str, skips: Sequence[bool]):
    """Show the trellis of CTC with the probability of each node.

    alpha: floats (time, states), not logarithms. states: what each emits, `-` for blank. skips:
    whether the blank before a state may be left out.
    """
    show(trellis_svg(alpha, states, skips), name)


def trellis_svg(alpha: np.ndarray, states: Sequence[str], skips: Sequence[bool]) -> str:
    """Draw the trellis of CTC: a column a step, a row a state, an arrow for each move."""
    steps, parts = len(alpha), []
    place = lambda t, s: (120 + 120 * t, 56 + 62 * s)
    for s, state in enumerate(states):
        parts.append(
            text(20, place(0, s)[1] + 5, "blank" if state == "-" else state, 15, bold=True)
        )
    for t in range(steps):
        parts.append(text(place(t, 0)[0], 20, f"step {t}", anchor="middle"))
        for s in range(len(states)):
            moves = [s, s - 1] + ([s - 2] if skips[s] else [])
            came = [k for k in moves if k >= 0 and t and alpha[t - 1, k] > 0]
            parts += [_move(place(t - 1, k), place(t, s)) for k in came]
    for t in range(steps):
        for s in range(len(states)):
            parts.append(_node(*place(t, s), float(alpha[t, s])))
    what = f"The trellis of the label {''.join(states).replace('-', '')} over {steps} steps."
    return card("\n".join(parts), 180 + 120 * (steps - 1), 36 + 62 * len(states), what)


def _move(start: tuple[float, float], end: tuple[float, float]) -> str:
    return (
        f'<path d="M{start[0] + 27},{start[1]} L{end[0] - 28},{end[1]}" class="line" '
        'marker-end="url(#tip)"/>'
    )


def _node(x: float, y: float, value: float) -> str:
    fill, shown = ("#d6e6f5", f"{value:.3f}") if value > 0 else ("#ffffff", "")
    circle = f'<circle cx="{x}" cy="{y}" r="26" fill="{fill}" stroke="#57606a"/>'
    return circle + text(x, y + 4, shown, 12, anchor="middle")
