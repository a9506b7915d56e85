"""The one road from an image file to a network's input; training and reading both take it. NumPy and Pillow only.

    bytes, path, PIL image or array --open_image--> 8-bit picture --to_uint8--> (H, W, C) --normalise--> float32

Every fault of an image raises ImageError with one line that says what to do.
"""

import io
import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

FORMATS = (
    "PNG",
    "JPEG",
    "BMP",
    "WEBP",
    "GIF",
    "TIFF",
)  # others start programs, are slow, or hide pictures in pictures
MAX_PIXELS = 2**24  # 4096 x 4096; larger is refused before decoding
Image.MAX_IMAGE_PIXELS = (
    MAX_PIXELS // 2
)  # Pillow warns of more, and raises of twice as much, also of pictures inside a file
warnings.filterwarnings(
    "ignore", module=r"PIL\."
)  # of odd metadata and of size: what cannot be read is said here
PngImagePlugin.MAX_TEXT_MEMORY = 2**22  # characters of comments
MAX_BYTES = 2**26  # of one file, compressed or not
MIN_SIDE = 3  # pixels


class ImageError(ValueError):
    """An image that cannot be read; the message is one line for a person."""


def open_image(source, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """A path, bytes, PIL image or uint8 array (H, W), (H, W, 1|3|4) as an 8-bit picture, mode "L" or "RGB".

    First frame of an animation, camera orientation applied, 16-bit scaled to 8, transparency laid on white (on
    black where the visible ink is light). Files with more than `max_pixels` are refused before decoding.
    """
    if isinstance(source, np.ndarray):
        return _flatten(_from_array(source))
    if isinstance(source, (str, os.PathLike)):
        try:
            return open_image(read_bytes(source), max_pixels)
        except ImageError as error:
            raise ImageError(f"{os.fspath(source)}: {error}") from None
    picture = source if isinstance(source, Image.Image) else None
    data = b"" if picture else read_bytes(source)
    try:
        picture = picture or Image.open(io.BytesIO(data), formats=FORMATS)
        _check_size(picture, max_pixels)
        if any(
            tile[0] == "bmp_rle" for tile in getattr(picture, "tile", ())
        ):  # Pillow unpacks it in Python, for seconds
            raise ImageError("a compressed BMP: save it again as PNG")
        picture.load()
        return _flatten(ImageOps.exif_transpose(picture))
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise ImageError(f"more than {max_pixels:,} pixels: scale the image down first") from None
    except Image.UnidentifiedImageError:
        raise ImageError(
            "not an image that can be opened: check the file, or save it again as PNG"
        ) from None
    except MemoryError:
        raise
    except (
        Exception
    ) as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error, IndexError, ...
        raise ImageError(f"damaged image ({one_line(error)}): save it again as PNG") from None


def one_line(error) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def read_bytes(source) -> bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    elif isinstance(source, (str, os.PathLike)):
        try:
            if os.path.getsize(source) > MAX_BYTES:
                raise ImageError(f"larger than {MAX_BYTES >> 20} MiB: scale the image down first")
            data = Path(source).read_bytes()
        except FileNotFoundError:
            raise ImageError("no such file") from None
        except OSError as error:
            raise ImageError(f"cannot be opened: {error.strerror or error}") from None
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
    if min(array.shape[:2]) < MIN_SIDE:
        raise ImageError(
            f"{array.shape[1]} x {array.shape[0]} pixels: too small to hold a character"
        )
    return Image.fromarray(np.ascontiguousarray(array))


def _check_size(picture: Image.Image, max_pixels: int):
    width, height = picture.size
    if width * height > max_pixels:
        raise ImageError(
            f"{width} x {height} pixels, more than {max_pixels:,}: scale the image down first"
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"{width} x {height} pixels: too small to hold a character")


def _flatten(picture: Image.Image) -> Image.Image:
    """Any Pillow mode to "L" or "RGB"."""
    if picture.mode in ("L", "RGB"):
        return picture
    if picture.mode == "F" or picture.mode.startswith("I"):
        return Image.fromarray(_to_8_bit(np.asarray(picture)))
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        return _on_ground(picture.convert("RGBA"))
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _to_8_bit(values: np.ndarray) -> np.ndarray:
    """Shares of 1 (floats), 0..255, or 0..65535 and more, by the largest value."""
    shares = values.dtype.kind == "f" and values.max() <= 1
    values = np.nan_to_num(values.astype(np.float32), copy=False)
    values *= 255 if shares else 1 if values.max() <= 255 else 255 / max(values.max(), 65535)
    return np.clip(values, 0, 255, out=values).astype(np.uint8)


def _on_ground(picture: Image.Image) -> Image.Image:
    if picture.getchannel("A").getextrema()[0] == 255:
        return picture.convert("RGB")
    small = picture.reduce(max(1, max(picture.size) // 512))
    alpha = np.asarray(small.getchannel("A"), dtype=np.float32)
    light = (np.asarray(small.convert("RGB").convert("L")) * alpha).sum() > 127 * alpha.sum()
    ground = Image.new("RGBA", picture.size, "black" if light else "white")
    return Image.alpha_composite(ground, picture).convert("RGB")


class Placed(NamedTuple):
    """How a picture of any size lies in a network's input: scaled by `scale`, shifted by (left, top) pixels."""

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


def to_uint8(picture: Image.Image, size: tuple[int, int], channels: int = 1) -> np.ndarray:
    """A picture as uint8 (height, width, channels): scaled to fit, centred, padded with its border's median colour."""
    picture = picture.convert("L" if channels == 1 else "RGB")
    height, width = size
    if picture.size != (width, height):
        spot = place(picture.size, size)
        picture = picture.resize((spot.width, spot.height), Image.Resampling.BICUBIC)
        if (spot.width, spot.height) != (width, height):
            ground = Image.new(picture.mode, (width, height), _border_colour(picture))
            ground.paste(picture, (spot.left, spot.top))
            picture = ground
    return np.asarray(picture).reshape(height, width, channels)


def _border_colour(picture: Image.Image):
    pixels = np.asarray(picture)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    colour = np.median(border, axis=0).astype(int)
    return int(colour) if colour.ndim == 0 else tuple(colour.tolist())


def normalise(images: np.ndarray, how: str = "standard") -> np.ndarray:
    """uint8 (N, H, W, C) to float32 of the same shape.

    "standard": (mean - x) / std, each image by its own mean and standard deviation, so that dark ink is positive
    whatever the paper and the lamp; a blank image becomes zeros. "unit": x / 255, as the published systems have it.
    "views" (of views.py): the colours "standard", the binary view "unit".
    """
    if images.dtype != np.uint8:
        raise TypeError(f"normalise wants uint8 images, got {images.dtype}: was it applied twice?")
    if how == "views":
        return np.concatenate(
            [normalise(images[..., :3], "standard"), normalise(images[..., 3:], "unit")], axis=3
        )
    values = images.astype(np.float32)
    if how == "unit":
        return values / 255
    if how == "standard":
        mean = values.mean(axis=(1, 2, 3), keepdims=True)
        return (mean - values) / (values.std(axis=(1, 2, 3), keepdims=True) + 1.0)
    raise ValueError(f"unknown normalisation {how!r}: use 'standard', 'unit' or 'views'")
