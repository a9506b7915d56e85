"""Take a picture with a bad camera or scanner: blur, few pixels, noise, JPEG, black and white."""

import cv2
import numpy as np

from ocr.drawing.surfaces import textures

SMALLEST = 8.5  # pixels of a digit's height that are left


def shoot(
    scene: np.ndarray,
    tall: float,
    rng: np.random.Generator,
    few_pixels: float = 0.45,
    black_white: float = 0.04,
    jpeg: float = 0.4,
) -> np.ndarray:
    """Turn grey levels float32 (height, width) into a picture, uint8 (height, width).

    tall: height of a digit in pixels. few_pixels, black_white, jpeg: shares of the pictures that
    are taken from afar and mostly enlarged again, thresholded as by a fax, and compressed.
    """
    height, width = scene.shape
    sigma = min(rng.gamma(1.3, 0.38), tall / 20)
    if sigma > 0.3:
        scene = cv2.GaussianBlur(scene, (0, 0), sigma)
    small = 1.0
    if rng.random() < few_pixels and tall > SMALLEST:
        small = max(SMALLEST, tall * rng.uniform(0.35, 1)) / tall
        size = max(3, round(width * small)), max(3, round(height * small))
        scene = cv2.resize(scene, size, interpolation=cv2.INTER_AREA)
    pixels = _sensor(scene, rng)
    if rng.random() < black_white and min(pixels.shape) > 12:
        _, pixels = cv2.threshold(pixels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    if rng.random() < jpeg:
        quality = int(rng.integers(25, 92))
        _, data = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, quality))
        pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))
    if small < 0.83 and rng.random() < 0.6:
        ways = cv2.INTER_CUBIC, cv2.INTER_LINEAR, cv2.INTER_NEAREST
        way = ways[rng.choice(3, p=(0.6, 0.3, 0.1))]
        pixels = cv2.resize(pixels, (width, height), interpolation=way)
    return pixels


def _sensor(scene: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add noise and the halo of sharpening; round to uint8."""
    if rng.random() < 0.6:
        level = min(rng.exponential(5), np.ptp(scene) / 8)
        scene = scene + level * textures.cut(textures.noise(), scene.shape[0], scene.shape[1], rng)
    if rng.random() < 0.15:
        soft = cv2.GaussianBlur(scene, (0, 0), 1.2)
        scene = scene + rng.uniform(0.5, 2) * (scene - soft)
    return np.clip(scene, 0, 255).astype(np.uint8)
