"""Scan a form with known truth: turned, shifted, scaled, in perspective, in shadow, compressed."""

from dataclasses import dataclass

import cv2
import numpy as np

from ocr.drawing.surfaces import textures


@dataclass(frozen=True)
class Wear:
    """How far a scan may be from the form; shares of its size, degrees, probabilities."""

    shift: float = 0.08
    turn: float = 10.0
    quarters: bool = True
    scale: tuple[float, float] = (0.5, 2.0)
    tilt: float = 25.0  # of a phone, in perspective; 0: a flatbed scanner
    tilted: float = 0.5  # share of the scans that are photographs
    shadow: float = 0.5
    jpeg: float = 0.7
    noise: float = 6.0  # levels, at most


def scan(
    page: np.ndarray, rng: np.random.Generator, wear: Wear | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Scan a page uint8 (H, W, 3), or (H, W) in grey: the scan, and where the page lies in it.

    The scan is uint8 (h, w, 3) or (h, w). Where the page lies is a matrix float64 (3, 3), from
    homogeneous points (column, row, 1) of the page to those of the scan. All of the page lies in
    the scan.
    """
    wear = wear or Wear()
    height, width = page.shape[:2]
    photo = rng.random() < wear.tilted and wear.tilt > 0
    matrix, size = _camera(width, height, rng, wear, wear.tilt if photo else 0.0)
    ground = np.array(rng.uniform(60, 255, 3) if photo else rng.uniform(225, 255, 3))
    scale = np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    if scale < 0.8:
        page = cv2.GaussianBlur(page, (0, 0), 0.35 / scale)
    taken = cv2.warpPerspective(
        page,
        matrix,
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=ground.tolist() if page.ndim == 3 else float(ground @ (0.299, 0.587, 0.114)),
    )
    taken = _lit(taken, rng, wear, photo)
    if rng.random() < wear.jpeg:
        quality = int(rng.integers(40, 92))
        _, data = cv2.imencode(".jpg", taken, (cv2.IMWRITE_JPEG_QUALITY, quality))
        taken = np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))
    return taken, matrix


def _camera(
    width: int, height: int, rng: np.random.Generator, wear: Wear, tilt: float
) -> tuple[np.ndarray, tuple[int, int]]:
    """Choose where the page lies: (matrix (3, 3), (width, height) of the scan)."""
    scale = float(np.exp(rng.uniform(*np.log(wear.scale))))
    turn = np.deg2rad(rng.uniform(-wear.turn, wear.turn))
    centre = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    spin = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    matrix = np.diag([scale, scale, 1]) @ _tilted(max(width, height), tilt, rng) @ spin @ centre
    corners = _apply(matrix, np.array([[0, 0], [width, 0], [0, height], [width, height]]))
    shift = rng.uniform(-wear.shift, wear.shift, 2) * (width, height) * scale
    low, high = corners.min(axis=0), corners.max(axis=0)
    spare = np.abs(shift) + rng.uniform(0, 0.02, 2) * (width, height) * scale
    move = spare - low + np.maximum(shift, 0) - np.abs(shift) / 2
    size = np.ceil(high - low + spare * 2 + 1).astype(int)
    matrix = np.array([[1, 0, move[0]], [0, 1, move[1]], [0, 0, 1]]) @ matrix
    quarter = int(rng.integers(4)) if wear.quarters else 0
    for _ in range(quarter):  # clockwise
        matrix = np.array([[0, -1, size[1] - 1], [1, 0, 0], [0, 0, 1]]) @ matrix
        size = size[::-1]
    return matrix, (int(size[0]), int(size[1]))


def _tilted(side: float, tilt: float, rng: np.random.Generator) -> np.ndarray:
    """Look at the page with a camera that is tilted about an axis in it: a matrix (3, 3)."""
    if not tilt:
        return np.eye(3)
    angle, axis = np.deg2rad(rng.uniform(0, tilt)), rng.uniform(0, 2 * np.pi)
    turned, _ = cv2.Rodrigues(angle * np.array([np.cos(axis), np.sin(axis), 0.0]))
    far = 1.4 * side  # a phone's lens sees about 40 degrees
    moved = np.column_stack([turned[:, :2], (0, 0, far)])
    return np.diag([far, far, 1.0]) @ moved


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Transform points (n, 2) by a matrix (3, 3)."""
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return moved[:, :2] / moved[:, 2:]


def _lit(taken: np.ndarray, rng: np.random.Generator, wear: Wear, photo: bool) -> np.ndarray:
    """Put a scan in uneven light and shadow; add blur and noise."""
    height, width = taken.shape[:2]
    if rng.random() < wear.shadow:
        light = textures.light()[rng.integers(24)]
        shade = 1 + np.clip(rng.uniform(0.05, 0.16) * light, -0.45, 0.15)
        shade = cv2.resize(shade.astype(np.float32), (width, height))
        taken = cv2.multiply(taken, _like(taken, shade), dtype=cv2.CV_8U)
    if photo or rng.random() < 0.3:
        taken = cv2.GaussianBlur(taken, (0, 0), rng.uniform(0.3, 1.0))
    noise = rng.uniform(0, wear.noise) * textures.cut(textures.noise(), height, width, rng)
    noise = noise.round().astype(np.int16)
    return cv2.add(taken, _like(taken, noise), dtype=cv2.CV_8U)


def _like(taken: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Give a picture of levels (h, w) the channels of a scan."""
    return level if taken.ndim == 2 else cv2.merge([level] * 3)
