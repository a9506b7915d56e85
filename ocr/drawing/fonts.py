"""Fonts to draw with: fontpkg families for training and tests, and fonts with a script's digits."""

import importlib
import logging
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from ocr.reading.scripts import SCRIPTS

logging.getLogger("fontTools").setLevel(logging.ERROR)  # its remarks on odd font files

HANDWRITING = (
    "caveat",
    "kalam",
    "indie_flower",
    "shadows_into_light",
    "zeyada",
    "dancing_script",
    "delius",
)
PRINT = ("open_sans", "pt_serif")
SIGNS = (
    "alfa_slab_one",
    "anton",
    "archivo_narrow",
    "arvo",
    "bitter",
    "comfortaa",
    "exo_2",
    "fredoka",
    "libre_baskerville",
    "lobster",
    "open_sans",
    "oswald",
    "playfair_display",
    "pt_serif",
    "righteous",
    "roboto_mono",
    "satisfy",
    "teko",
)
UNSEEN = (
    "abril_fatface",
    "crimson_text",
    "roboto_slab",
    "rubik",
)  # reserved for tests: nothing is trained on them
WESTERN = SIGNS + (
    "alegreya_sans",
    "arimo",
    "assistant",
    "barlow",
    "black_ops_one",
    "bodoni_moda",
    "cabin",
    "cinzel",
    "cormorant_garamond",
    "dosis",
    "fira_sans",
    "fjalla_one",
    "frank_ruhl_libre",
    "gravitas_one",
    "ibm_plex_mono",
    "inconsolata",
    "inter",
    "jetbrains_mono",
    "josefin_sans",
    "lato",
    "libre_franklin",
    "merriweather",
    "montserrat",
    "noto_serif",
    "orbitron",
    "outfit",
    "overpass",
    "press_start_2p",
    "rajdhani",
    "raleway",
    "red_hat_display",
    "roboto",
    "russo_one",
    "saira_condensed",
    "space_grotesk",
    "space_mono",
    "spectral",
    "titillium_web",
    "vollkorn",
    "work_sans",
)
WESTERN_UNSEEN = UNSEEN + ("nunito", "source_code_pro")  # reserved for tests
ARABIC = ("almarai", "amiri", "cairo", "ibm_plex_sans_arabic", "noto_sans_arabic")
ARABIC_UNSEEN = ("noto_kufi_arabic", "tajawal")
POINT, THOUSANDS = "٫٬"
_NUMBER_SIGNS = set("".join(SCRIPTS.values()))
SAME = 0.97  # correlation of two fonts' digits from which the fonts count as one
EM = 48  # pixels per em of the text that numbers and signs are drawn from


@lru_cache
def fonts(families: tuple[str, ...]) -> list[Path]:
    """List the upright font files of fontpkg families (Google fonts, OFL), sorted by name."""
    files: list[Path] = []
    for family in families:
        files += sorted((importlib.import_module(f"fontpkg_{family}").ROOT / "files").glob("*.ttf"))
    return [file for file in files if "Italic" not in file.name]


@lru_cache(maxsize=200)
def sized(file: str | Path, size: int) -> ImageFont.FreeTypeFont:
    """Open a font at `size` pixels per em."""
    return ImageFont.truetype(str(file), size)


@lru_cache(maxsize=500)
def weighted(file: str | Path, weight: int) -> ImageFont.FreeTypeFont:
    """Open a font at EM pixels; a variable font with a `weight` from 0 (light) to 4 (heavy)."""
    font = ImageFont.truetype(str(file), EM)
    try:
        axes = sorted(font.get_variation_axes(), key=lambda a: a["name"] != b"Weight")
        low, high = axes[0]["minimum"] or 0, axes[0]["maximum"] or 0
        others = [axis["default"] or 0 for axis in axes[1:]]
        font.set_variation_by_axes([low + (high - low) * weight / 4, *others])
    except OSError:  # not a variable font
        pass
    return font


def faces(families: tuple[str, ...], script: str, installed: bool = False) -> list[Path]:
    """List the font files of these fontpkg families that have the digits of a `script`.

    installed: also the fonts of this machine that are of no family reserved for tests, whose digits
    look like digits and unlike those of the other fonts.
    """
    files = [file for file in fonts(families) if _has_digits(file, script)]
    return files + _installed_faces(files, script) if installed else files


def _has_digits(file: Path, script: str) -> bool:
    return set(SCRIPTS[script][:10]) <= printable_signs(file)


def _installed_faces(files: list[Path], script: str) -> list[Path]:
    """List the fonts of this machine that `faces` adds to `files`."""
    usual = np.mean([_shapes(file, script) for file in files], axis=0)
    known = [_shapes(file, script).ravel() for file in files]
    found = []
    for file in sorted(Path(f) for f in font_manager.findSystemFonts(fontext="ttf")):
        if not _has_digits(file, script) or not _may_train(file):
            continue
        shapes = _shapes(file, script)
        if ((shapes @ usual.T).argmax(axis=1) == np.arange(10)).sum() < 3:
            continue  # symbols, weather or ornaments in the place of digits
        if np.max(np.array(known) @ shapes.ravel()) < SAME * shapes.size:
            found.append(file)
            known.append(shapes.ravel())
    return found


def _may_train(file: Path) -> bool:
    """Tell whether a font file is upright and of no family reserved for tests."""
    reserved = tuple(name.replace("_", "") for name in WESTERN_UNSEEN + ARABIC_UNSEEN)
    slanted = "talic" in file.name or "blique" in file.name
    return not slanted and not file.name.lower().replace("-", "").startswith(reserved)


@cache
def _shapes(file: Path, script: str) -> np.ndarray:
    """Rasterise a font's ten digits, cropped, 12 x 12 pixels, standardised: float64 (10, 144)."""
    font, rows = ImageFont.truetype(str(file), EM), []
    for digit in SCRIPTS[script][:10]:
        picture = Image.new("L", (4 * EM, 4 * EM))
        ImageDraw.Draw(picture).text((EM, 3 * EM), digit, 255, font, anchor="ls")
        small = picture.crop(picture.getbbox()).resize((12, 12), Image.Resampling.BOX)
        rows.append(np.asarray(small, float).ravel())
    shapes = np.array(rows)
    mean, spread = shapes.mean(axis=1, keepdims=True), shapes.std(axis=1, keepdims=True)
    return (shapes - mean) / (spread + 1e-6)


@cache
def printable_signs(file: str | Path) -> set[str]:
    """List the characters that a font can print; the empty set for a file that is not a font.

    Left out are signs of numbers that the font has without ink, and Arabic separators that look
    like others: a thousands sign at the baseline, a decimal sign as high as a slash.
    """
    try:
        with TTFont(str(file), lazy=True, fontNumber=0) as font:
            signs = {chr(code) for code in font.getBestCmap() or ()}
        face = ImageFont.truetype(str(file), EM)  # fails for a font of bitmaps
        signs -= {c for c in _NUMBER_SIGNS & signs if face.getmask(c, "L").getbbox() is None}
        if not {POINT, THOUSANDS, "٨"} <= signs:
            return signs
        point, thousands, digit = (
            -face.getbbox(sign, anchor="ls")[1] for sign in (POINT, THOUSANDS, "٨")
        )
    except Exception:  # fontTools raises whatever it meets: not a font to draw with
        return set()
    ambiguous = {THOUSANDS} if thousands < 0.7 * digit else set()
    return signs - ambiguous - ({POINT} if point > 0.6 * digit else set())
