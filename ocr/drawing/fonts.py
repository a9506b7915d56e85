"""Fonts: the fontpkg families, which of them are kept for tests, and which can print the digits of a script."""

import importlib
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from ocr.reading.scripts import SCRIPTS

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
)  # kept for tests: nothing is trained on them
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
WESTERN_UNSEEN = UNSEEN + ("nunito", "source_code_pro")  # kept for tests
ARABIC = ("almarai", "amiri", "cairo", "ibm_plex_sans_arabic", "noto_sans_arabic")
ARABIC_UNSEEN = ("noto_kufi_arabic", "tajawal")
POINT, THOUSANDS = "٫٬"
SAME = 0.97  # correlation of two fonts' digits from which they count as one
FONT = 48  # pixels an em of the line that a sign's character is cut out of


@lru_cache
def fonts(families: tuple[str, ...]) -> list[Path]:
    """The upright font files of fontpkg families (packages of the Google fonts, OFL), sorted by name."""
    files = []
    for family in families:
        files += sorted((importlib.import_module(f"fontpkg_{family}").ROOT / "files").glob("*.ttf"))
    return [file for file in files if "Italic" not in file.name]


@lru_cache(maxsize=200)
def sized(file: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file), size)


@lru_cache(maxsize=500)
def weighted(file: Path, weight: int) -> ImageFont.FreeTypeFont:
    """A font of FONT pixels; of a variable font one of five weights."""
    font = ImageFont.truetype(str(file), FONT)
    try:
        axes = font.get_variation_axes()
        font.set_variation_by_axes(
            [
                a["minimum"] + (a["maximum"] - a["minimum"]) * weight / 4
                if i == 0
                else a["default"]
                for i, a in enumerate(sorted(axes, key=lambda a: a["name"] != b"Weight"))
            ]
        )
    except OSError:  # not a variable font
        pass
    return font


def faces(families: tuple[str, ...], script: str, installed: bool = False) -> list[Path]:
    """The font files of these fontpkg families that have the digits of a `script`; with `installed`, also those found on
    this machine (of families not kept for tests, with digits that look like digits and unlike those of the others)."""
    files = [file for file in fonts(families) if set(SCRIPTS[script][:10]) <= printable_signs(file)]
    if installed:
        kept = {name.replace("_", "") for name in WESTERN_UNSEEN + ARABIC_UNSEEN}
        found = sorted(Path(f) for f in font_manager.findSystemFonts(fontext="ttf"))
        found = [
            f
            for f in found
            if set(SCRIPTS[script][:10]) <= printable_signs(f)
            and "talic" not in f.name
            and "blique" not in f.name
            and not any(f.name.lower().replace("-", "").startswith(name) for name in kept)
        ]
        usual, had = (
            np.mean([_shapes(file, script) for file in files], axis=0),
            [_shapes(file, script).ravel() for file in files],
        )
        for file in found:
            shapes = _shapes(file, script)
            if ((shapes @ usual.T).argmax(axis=1) == np.arange(10)).sum() < 3:
                continue  # prints stars, weather or prayers
            if np.max(np.array(had) @ shapes.ravel()) < SAME * shapes.size:
                files.append(file)
                had.append(shapes.ravel())
    return files


@cache
def _shapes(file: Path, script: str) -> np.ndarray:
    """A font's ten digits, each cut out, scaled to 12 x 12 pixels and standardised: float64 (10, 144)."""
    font, shapes = ImageFont.truetype(str(file), FONT), []
    for digit in SCRIPTS[script][:10]:
        picture = Image.new("L", (4 * FONT, 4 * FONT))
        ImageDraw.Draw(picture).text((FONT, 3 * FONT), digit, 255, font, anchor="ls")
        shapes.append(
            np.asarray(
                picture.crop(picture.getbbox()).resize((12, 12), Image.Resampling.BOX), float
            ).ravel()
        )
    shapes = np.array(shapes)
    return (shapes - shapes.mean(axis=1, keepdims=True)) / (
        shapes.std(axis=1, keepdims=True) + 1e-6
    )


@cache
def printable_signs(file: Path) -> set[str]:
    """What a font can print, but for Arabic signs that look like others: thousands at the baseline, a decimal sign like a slash."""
    try:
        with TTFont(str(file), lazy=True, fontNumber=0) as font:
            signs = {chr(code) for code in font.getBestCmap() or ()}
        if not {POINT, THOUSANDS, "٨"} <= signs:
            return signs
        font = ImageFont.truetype(str(file), FONT)
        point, thousands, digit = (
            -font.getbbox(sign, anchor="ls")[1] for sign in (POINT, THOUSANDS, "٨")
        )
        return (
            signs
            - ({THOUSANDS} if thousands < 0.7 * digit else set())
            - ({POINT} if point > 0.6 * digit else set())
        )
    except Exception:  # fontTools raises what it finds: not a font to draw with
        return set()
