"""Images for the benchmarks."""

import io

import numpy as np
from PIL import Image

import utils
from ocr.datasets import emnist
from ocr.drawing import fonts
from ocr.drawing.numbers import printing
from ocr.drawing.numbers.texts import numbers
from ocr.drawing.surfaces import paper
from ocr.reading.files import find_images


def png(pixels: np.ndarray) -> bytes:
    """Encode a picture, uint8 (H, W) or (H, W, 3), as PNG."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png")
    return out.getvalue()


def captchas(count: int = 64) -> list[bytes]:
    """Load PNG files of CAPTCHAs: real ones where they are found, else drawn ones."""
    return [found.read() for found, _ in zip(find_images(utils.find_captchas()[0]), range(count))]


def characters(count: int = 64) -> np.ndarray:
    """Load test images of EMNIST ByMerge, uint8 (count, 28, 28, 1)."""
    return emnist.load_emnist(utils.find_emnist()[0], "bymerge", "test").images[:count]


def pages(images: np.ndarray) -> list[bytes]:
    """Put EMNIST characters on pages, dark on light, 108 x 108 pixels, as PNG files."""
    return [png(255 - np.pad(image[:, :, 0], 40)) for image in images]


def printed_numbers(
    script: str, families: tuple[str, ...], count: int, seed: int = 0
) -> tuple[list[str], list[np.ndarray]]:
    """Draw numbers of 3 to 16 characters in these font families: (labels, grey pictures)."""
    labels = numbers(count, seed, (3, 16))
    write = printing.press(script, fonts.faces(families, script))
    return labels, [picture for _, picture in paper.pictures(write, labels, seed)]
