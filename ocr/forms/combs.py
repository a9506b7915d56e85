"""Combs: which cells are written in, and their signs written closely, as a line of text is."""

from collections.abc import Sequence

import cv2
import numpy as np

from ocr.forms.cutting import Cutout
from ocr.reading import overwritten

MINE = 0.25  # of what the cell with most of a stroke has, which a cell must have to have it
GAP = 0.12  # of the box's height, between signs that are written closely
NEAR = np.ones((5, 5), np.uint8)  # what surrounds ink and belongs to it


def filled_cells(cutout: Cutout, cells: int) -> np.ndarray:
    """Tell which cells of a comb are written in, bool (cells,).

    A stroke counts for the cell that most of it is in, also where it is written over the edge; one
    that reaches over several cells counts for each that has a quarter as much of it.
    """
    _, _, pixels = _strokes(cutout, cells)
    return np.asarray(_has(pixels).any(axis=0))


def written_closely(cutout: Cutout, cells: int) -> np.ndarray:
    """Move the signs of a comb together, as a line of text: dark on white, uint8 (h, w).

    A reader of lines sees them larger so, and without gaps that no line has. Each cell gives what
    counts for it, see `filled_cells`; of a stroke that counts for several, each gives its part.
    """
    owners, filled = _owners(cutout, cells)
    tall = cutout.box[3] - cutout.box[1]
    gap = np.zeros((len(owners), max(1, round(GAP * tall))), np.uint8)
    row = [gap]
    for cell in filled:
        mine = owners == cell
        around = cv2.dilate(mine.astype(np.uint8), NEAR) > 0
        sign = np.where(around & (mine | (owners < 0)), cutout.darkness, 0).astype(np.uint8)
        columns = np.flatnonzero(sign.any(axis=0))
        if len(columns):
            row += [sign[:, columns[0] : columns[-1] + 1], gap]
    return 255 - np.concatenate(row, axis=1)


def find_overwritten(combs: Sequence[tuple[Cutout, int]]) -> list[bool]:
    """Tell which combs, of (cutout, cells), have a sign that is written over another."""
    shapes = [[overwritten.shape_of(mask) for mask in _masks(*comb)] for comb in combs]
    every = [shape for each in shapes for shape in each]
    found = overwritten.probabilities(every) >= overwritten.SURE
    ends = np.cumsum([len(each) for each in shapes])
    return [bool(found[end - len(each) : end].any()) for end, each in zip(ends, shapes)]


def _masks(cutout: Cutout, cells: int) -> list[np.ndarray]:
    """List what counts for each cell that is written in: its ink, bool (h, w)."""
    owners, filled = _owners(cutout, cells)
    masks = [owners == cell for cell in filled]
    return [mask for mask in masks if mask.any()]


def _owners(cutout: Cutout, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the cell that each pixel's ink counts for, (h, w), -1 none; and the cells written in."""
    labels, cell_of_column, pixels = _strokes(cutout, cells)
    has = _has(pixels)
    shared = has.sum(axis=1) > 1
    owner = np.where(has.any(axis=1), pixels.argmax(axis=1), -1)
    owner[0] = -1
    return np.where(shared[labels], cell_of_column, owner[labels]), np.flatnonzero(has.any(axis=0))


def _strokes(cutout: Cutout, cells: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find a comb's strokes: their labels (h, w), 0 is paper; the cell of each column (w,); and how
    many pixels of each a cell has, (strokes, cells), none of paper.
    """
    left, _, right, _ = cutout.box
    edges = left + (right - left) / cells * np.arange(1, cells)
    cell_of_column = np.searchsorted(edges, np.arange(cutout.ink.shape[1]) + 0.5)
    count, labels = cv2.connectedComponents(cutout.ink.astype(np.uint8), connectivity=8)
    labels = np.asarray(labels)
    pairs = (labels * cells + cell_of_column).ravel()
    pixels = np.bincount(pairs, minlength=count * cells).reshape(count, cells)
    pixels[0] = 0
    return labels, cell_of_column, pixels


def _has(pixels: np.ndarray) -> np.ndarray:
    """Tell which strokes count for which cells, bool (strokes, cells)."""
    return (pixels > 0) & (pixels >= MINE * pixels.max(axis=1, keepdims=True))
