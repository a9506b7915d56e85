"""Image loading and normalisation, shared by training and inference. NumPy and Pillow only.

    bytes, path, PIL image or array --open_image--> 8-bit picture --fit_picture--> (H, W, C)
    --normalise--> float32

Every fault of an image raises ImageError with one line that says what to do.
"""

import contextlib
import ctypes
import errno
import io
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, PngImagePlugin

from ocr.paths import read_file
from ocr.reading.structure import ImageError, check_structure, check_tags

# Other formats start programs, are slow, or hide pictures in pictures.
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")
MAX_PIXELS = 2**24  # 4096 x 4096; larger images are rejected before decoding
MAX_BYTES = 2**26  # of one file, compressed or not
MIN_SIDE = 3  # pixels

# Pillow warns above this, and raises above twice as much, also for pictures inside a file.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
# Pillow warns about odd metadata and sizes; whatever cannot be read is reported here.
warnings.filterwarnings("ignore", module=r"PIL\.")
PngImagePlugin.MAX_TEXT_MEMORY = 2**22  # characters of comments
# libtiff writes up to 44 kB a file to standard error, unless it is found by name (not on Windows).
with contextlib.suppress(AttributeError, OSError):
    libtiff = ctypes.CDLL(Image.core.__file__)
    libtiff.TIFFSetErrorHandler(None)
    libtiff.TIFFSetWarningHandler(None)

ORIENTATION = 0x0112  # the tag that says how a camera was held, and what undoes it
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_image(source: Any, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open a path, bytes, PIL image or uint8 array (H, W), (H, W, 1|3|4) as an 8-bit picture.

    Returns mode "L" or "RGB": first frame of an animation, camera orientation applied, 16-bit
    scaled to 8, transparency blended with white (with black where the visible ink is light).
    Raises ImageError, before decoding where a file has more than `max_pixels`; TypeError for other
    types and shapes.
    """
    if isinstance(source, np.ndarray):
        return _flatten(_from_array(source))
    if isinstance(source, (str, os.PathLike)):
        try:
            return open_image(read_bytes(source), max_pixels)
        except ImageError as error:
            raise ImageError(f"{os.fspath(source)}: {error}") from None
    data = source if isinstance(source, Image.Image) else read_bytes(source)
    try:
        if isinstance(data, bytes):
            check_structure(data)
        picture = Image.open(io.BytesIO(data), formats=FORMATS) if isinstance(data, bytes) else data
        _check_size(picture, max_pixels)
        # Pillow decompresses these in Python, which takes seconds.
        if any(tile[0] == "bmp_rle" for tile in getattr(picture, "tile", ())):
            raise ImageError("compressed BMP: save it again as PNG")
        picture.load()
        return _flatten(_upright(picture))
    except (ImageError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise ImageError(f"more than {max_pixels:,} pixels: scale the image down first") from None
    except Image.UnidentifiedImageError:
        raise ImageError(
            "not an image that can be opened: check the file, or save it again as PNG"
        ) from None
    except Exception as error:  # Pillow raises OSError, SyntaxError, struct.error, IndexError, ...
        raise ImageError(f"damaged image ({one_line(error)}): save it again as PNG") from None


def _upright(picture: Image.Image) -> Image.Image:
    """Turn a picture as its camera was held."""
    exif = picture.info.get("exif")
    if "Raw profile type exif" in picture.info:  # as ImageMagick writes it, in a PNG
        exif = exif or bytes.fromhex("".join(picture.info["Raw profile type exif"].split("\n")[3:]))
    if exif:
        check_tags(exif.removeprefix(b"Exif\0\0").removeprefix(b"Exif\0\0"))
    method = UPRIGHT.get(picture.getexif().get(ORIENTATION, 1))
    return picture if method is None else picture.transpose(method)


def one_line(error: BaseException) -> str:
    """Format an exception's message as one line of at most 120 characters."""
    return " ".join(str(error).split())[:120] or type(error).__name__


def read_bytes(source: Any) -> bytes:
    """Read a path, or copy bytes. Raises ImageError if missing, empty or above MAX_BYTES."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    elif isinstance(source, (str, os.PathLike)):
        try:
            data = read_file(source, MAX_BYTES)
        except FileNotFoundError:
            raise ImageError("no such file") from None
        except OSError as error:
            large = f"larger than {MAX_BYTES >> 20} MiB: scale the image down first"
            reason = f"cannot be opened: {error.strerror or error}"
            raise ImageError(large if error.errno == errno.EFBIG else reason) from None
    else:
        raise TypeError(
            f"an image is a path, bytes, a PIL image or a uint8 array, not {type(source).__name__}"
        )
    if not data:
        raise ImageError("empty file (0 bytes)")
    return data


def _from_array(array: np.ndarray) -> Image.Image:
    if array.dtype != np.uint8:
        raise TypeError(f"an image array must be uint8 with values 0..255, not {array.dtype}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise TypeError(f"an image array has shape (H, W) or (H, W, 1, 3 or 4), not {array.shape}")
    _check_side(array.shape[1], array.shape[0])
    return Image.fromarray(np.ascontiguousarray(array))


def _check_size(picture: Image.Image, max_pixels: int) -> None:
    width, height = picture.size
    if width * height > max_pixels:
        raise ImageError(
            f"{width} x {height} pixels, more than {max_pixels:,}: scale the image down first"
        )
    _check_side(width, height)


def _check_side(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"{width} x {height} pixels: too small to hold a character")


def _flatten(picture: Image.Image) -> Image.Image:
    """Convert any Pillow mode to "L" or "RGB"."""
    if picture.mode in ("L", "RGB"):
        return picture
    if picture.mode == "F" or picture.mode.startswith("I"):
        return Image.fromarray(_to_8_bit(np.asarray(picture)))
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        return _on_ground(picture if picture.mode == "RGBA" else picture.convert("RGBA"))
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _to_8_bit(values: np.ndarray) -> np.ndarray:
    """Scale to 0..255 by the largest value: floats up to 1, 0..255, 0..65535 or more."""
    fractions = values.dtype.kind == "f" and values.max() <= 1
    values = np.nan_to_num(values.astype(np.float32), copy=False)
    values *= 255 if fractions else 1 if values.max() <= 255 else 255 / max(values.max(), 65535)
    return np.clip(values, 0, 255, out=values).astype(np.uint8)


def _on_ground(picture: Image.Image) -> Image.Image:
    """Blend an RGBA picture with white, or with black where its visible pixels are light."""
    if picture.getchannel("A").getextrema()[0] == 255:
        return picture.convert("RGB")
    small = picture.reduce(max(1, max(picture.size) // 512))
    alpha = np.asarray(small.getchannel("A"), dtype=np.float32)
    light = (np.asarray(small.convert("RGB").convert("L")) * alpha).sum() > 127 * alpha.sum()
    ground = Image.new("RGBA", picture.size, "black" if light else "white")
    picture = Image.alpha_composite(ground, picture)
    del ground  # a quarter of the memory
    return picture.convert("RGB")


class Placed(NamedTuple):
    """Placement of a picture in a network's input: scaled by `scale`, moved by (left, top) pixels.

    width and height are those of the scaled picture, in pixels of the input.
    """

    scale: float
    left: int
    top: int
    width: int
    height: int


def place(picture_size: tuple[int, int], size: tuple[int, int]) -> Placed:
    """Fit a picture of (width, height) into (height, width) pixels: aspect ratio kept, centred."""
    (w, h), (height, width) = picture_size, size
    scale = min(width / w, height / h)
    new_w, new_h = max(1, min(width, round(w * scale))), max(1, min(height, round(h * scale)))
    return Placed(scale, (width - new_w) // 2, (height - new_h) // 2, new_w, new_h)


def fit_picture(
    picture: Image.Image, size: tuple[int, int], channels: int = 1
) -> tuple[np.ndarray, Placed]:
    """Scale a picture into uint8 (height, width, channels), and return its placement, too.

    Aspect ratio kept, centred, padded with the median colour of the picture's border.
    """
    picture = picture.convert("L" if channels == 1 else "RGB")
    height, width = size
    spot = place(picture.size, size)
    if picture.size != (width, height):
        picture = picture.resize((spot.width, spot.height), Image.Resampling.BICUBIC)
    if (spot.width, spot.height) != (width, height):
        ground = Image.new(picture.mode, (width, height), border_colour(picture))
        ground.paste(picture, (spot.left, spot.top))
        picture = ground
    return np.asarray(picture).reshape(height, width, channels), spot


def to_uint8(picture: Image.Image, size: tuple[int, int], channels: int = 1) -> np.ndarray:
    """Scale a picture into uint8 (height, width, channels), see `fit_picture`."""
    return fit_picture(picture, size, channels)[0]


def narrow(
    pixels: np.ndarray, picture_widths: Sequence[int] | np.ndarray, widths: Sequence[int]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Crop the padding left and right of fitted pictures, each to the smallest of some widths.

    pixels: uint8 (N, H, W, C) as `fit_picture` makes them. picture_widths: of the N pictures in
    them (`Placed.width`). widths: ascending, the last is W. A crop is the middle of the input and
    loses nothing but padding. Returns (row numbers int (n,), crops uint8 (n, H, width, C)) for each
    width that is needed. To be done before `normalise`.
    """
    full = pixels.shape[2]
    chosen = np.searchsorted(widths, np.minimum(picture_widths, full))
    groups = []
    for number in np.unique(chosen):
        rows, start = np.flatnonzero(chosen == number), (full - widths[number]) // 2
        groups.append((rows, pixels[rows, :, start : start + widths[number]]))
    return groups


def border_colour(picture: Image.Image) -> Any:
    """Compute the median colour of a picture's border, as Image.new takes it."""
    pixels = np.asarray(picture)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    colour = np.median(border, axis=0).astype(int)
    return int(colour) if colour.ndim == 0 else tuple(colour.tolist())


def _standard(images: np.ndarray) -> np.ndarray:
    values = images.astype(np.float32)
    mean = values.mean(axis=(1, 2, 3), keepdims=True)
    return (mean - values) / (values.std(axis=(1, 2, 3), keepdims=True) + 1.0)


def _unit(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / 255


def _views(images: np.ndarray) -> np.ndarray:
    return np.concatenate([_standard(images[..., :3]), _unit(images[..., 3:])], axis=3)


NORMALISATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "standard": _standard,
    "unit": _unit,
    "views": _views,
}


def shrink(picture: Image.Image, longest: int, least: int = 1) -> tuple[Image.Image, float]:
    """Shrink a picture to `longest` pixels at most, each side at least `least`; (it, the scale)."""
    scale = min(1.0, longest / max(picture.size))
    if scale == 1:
        return picture, scale
    size = [max(least, round(side * scale)) for side in picture.size]
    return picture.resize((size[0], size[1]), Image.Resampling.BOX), scale


def normalise(images: np.ndarray, mode: str = "standard") -> np.ndarray:
    """Normalise images uint8 (N, H, W, C) to float32 of the same shape.

    "standard": (mean - x) / (std + 1) of each image, so that dark ink is positive whatever the
    paper and the light; a blank image becomes zeros. "unit": x / 255, as in the published systems.
    "views": the colour channels "standard", the binary channel "unit". Raises TypeError for other
    dtypes, ValueError for an unknown mode.
    """
    if images.dtype != np.uint8:
        raise TypeError(f"normalise takes uint8 images, got {images.dtype}: was it applied twice?")
    if mode not in NORMALISATIONS:
        raise ValueError(f"unknown normalisation {mode!r}: use {', '.join(NORMALISATIONS)}")
    return NORMALISATIONS[mode](images)
