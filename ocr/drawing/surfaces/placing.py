"""Place ink in a picture: scale, margins, rotation, slant, perspective; cut off within a digit."""

import numpy as np

from ocr.drawing.ink import UNREADABLE, Ink

TALL = 36  # pixels of a digit in the ink of `printing` and `handwriting`
CLOSE = 0.05  # heights of a digit that a close crop may cut off, above and below


def place(
    ink: Ink, rng: np.random.Generator, tilt: float = 1.0
) -> tuple[np.ndarray, tuple[int, int], float]:
    """Choose how ink lies in a picture: (matrix (3, 3), (width, height), pixels per pixel).

    The matrix transforms homogeneous points (column, row, 1) of the ink. All ink lies in the
    picture, but for up to 0.05 heights above and below where it is cropped close. tilt: strength
    of rotation, slant, stretching and perspective.
    """
    high, wide = ink.pixels.shape
    tall = max(high, min(TALL, 2.5 * wide))
    scale = float(np.clip(np.exp(rng.normal(3.1, 0.42)), 10, 56)) / tall
    angle, slant = np.clip(rng.normal(0, (0.035, 0.09)) * tilt, -0.16, 0.3)
    stretch = np.exp(np.clip(rng.normal(0, 0.13 * tilt), -0.28, 0.28))
    turn = scale * np.array(
        [[stretch * np.cos(angle), -np.sin(angle) - slant], [np.sin(angle), np.cos(angle)]]
    )
    corners = np.array([[0, 0], [wide, 0], [0, high], [wide, high]]) @ turn.T
    left, right, top, bottom = scale * tall * _margins(rng, wide / tall)
    shift = (left, top) - corners.min(axis=0)
    size = np.ceil(np.ptp(corners, axis=0) + (left + right, top + bottom)).astype(int)
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = turn, shift
    if rng.random() < 0.3 * tilt:
        pull = np.eye(3)
        pull[2, :2] = rng.normal(0, 0.12, 2) / (size[0], 2 * size[1])
        pull[2, 2] = 1 - pull[2, :2] @ (size / 2)
        matrix = pull @ matrix
        matrix, far = _fitted(matrix, (wide, high), (left, top))
        size = np.maximum(size, np.ceil(far).astype(int) + 1)
    return matrix, (max(4, int(size[0])), max(4, int(size[1]))), scale


def _fitted(
    matrix: np.ndarray, ink_size: tuple[int, int], corner: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Shift a matrix so that no ink lies left of or above `corner`: (matrix, far corner)."""
    wide, high = ink_size
    ends = np.array([[0, 0, 1], [wide, 0, 1], [0, high, 1], [wide, high, 1]]) @ matrix.T
    ends = ends[:, :2] / ends[:, 2:]
    back = np.eye(3)
    back[:2, 2] = corner - ends.min(axis=0)
    return back @ matrix, back[:2, 2] + ends.max(axis=0)


def _margins(rng: np.random.Generator, shape: float) -> np.ndarray:
    """Choose the paper left, right, above and below, in heights of a digit."""
    dice = rng.random()
    if dice < 0.3:  # cropped close
        return rng.uniform(0.0, 0.12, 4) - (0, 0, CLOSE, CLOSE)
    sides = rng.uniform(0.04, 0.5, 4)
    if dice > 0.75:
        sides[:2] = rng.uniform(0.05, max(0.6, 3.5 - 0.6 * shape), 2)
    if dice > 0.83:
        sides[2:] = rng.uniform(0.1, 0.9, 2)
    if rng.random() < 0.06:  # at the right of a wide box
        sides[0] = rng.uniform(0.5, 3)
    return sides


def cut(
    ink: Ink, matrix: np.ndarray, size: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, tuple[int, int], list[str]]:
    """Cut a picture within a digit, at its left or right: (matrix, size, signs that remain).

    What is left of the digit, and of signs beside it that the cut meets, is one `UNREADABLE`. Most
    numbers of one digit stay whole, as do those whose cut would leave less than 4 columns.
    """
    digits = [i for i, sign in enumerate(ink.signs) if sign.isdigit()]
    if not digits or (len(digits) == 1 and rng.random() < 0.8):
        return matrix, size, ink.signs
    i = digits[rng.integers(len(digits))]
    left, right = ink.spans[i]
    dark = ink.pixels[:, left:right].sum(axis=0, dtype=np.float64).cumsum()
    column = left + int(np.searchsorted(dark, dark[-1] * rng.uniform(0.25, 0.75)))  # of its ink
    spot = matrix @ (column, ink.pixels.shape[0] / 2, 1)
    x = round(spot[0] / spot[2])
    if not 4 <= x <= size[0] - 4:
        return matrix, size, ink.signs
    low, high = _met(x, matrix, ink)
    slack = [0.1 * (right - left) for left, right in ink.spans]
    if rng.random() < 0.6:
        met = (k for k in range(i) if ink.spans[k][1] - slack[k] > low)
        return matrix, (x, size[1]), [*ink.signs[: next(met, i)], UNREADABLE]
    met = (k for k in range(len(ink.signs) - 1, i, -1) if ink.spans[k][0] + slack[k] < high)
    moved = np.array([[1, 0, -x], [0, 1, 0], [0, 0, 1]]) @ matrix
    return moved, (size[0] - x, size[1]), [UNREADABLE, *ink.signs[next(met, i) + 1 :]]


def _met(x: int, matrix: np.ndarray, ink: Ink) -> tuple[float, float]:
    """Compute from which to which column of upright ink column `x` of the picture reaches."""
    rows = np.array([0.0, ink.pixels.shape[0]])
    places = matrix[:, 1:] @ (rows, np.ones(2))  # of column 0
    columns = (x * places[2] - places[0]) / (matrix[0, 0] - x * matrix[2, 0])
    upright = columns + ink.slant * (rows - rows[1] / 2)
    return float(upright.min()), float(upright.max())
