"""JavaScript modules in one script, since a browser loads no module from a file beside a page.

Each module becomes a function that returns what it exports. Understood are the forms that ours
have: import {names} from "./file.js", and export before a function, class or const.
"""

import re
from collections.abc import Sequence
from pathlib import Path

IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"\./([\w-]+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) ([\w$]+))", re.MULTILINE)


def bundle(entry: str, folders: Sequence[Path]) -> str:
    """Join a module and all that it imports, each from the first folder that has it.

    Raises FileNotFoundError for a missing module, ValueError for circular imports and for other
    forms of import and export.
    """
    done: dict[str, str] = {}
    _add(entry, folders, done, ())
    return "\n".join(done.values())


def _add(name: str, folders: Sequence[Path], done: dict[str, str], above: tuple[str, ...]) -> None:
    """Add a module to `done` after those that it imports."""
    if name in done:
        return
    if name in above:
        raise ValueError(f"circular imports: {' -> '.join([*above, name])}")
    places = [folder / f"{name}.js" for folder in folders]
    file = next((place for place in places if place.is_file()), places[0])
    source = file.read_text(encoding="utf-8")
    for _, other in IMPORT.findall(source):
        _add(other, folders, done, (*above, name))
    done[name] = _wrap(name, source)


def _wrap(name: str, source: str) -> str:
    body = IMPORT.sub(lambda found: _names(found[1], found[2]), source)
    exports = EXPORT.findall(source)
    body = EXPORT.sub("", body)
    if re.search(r"^(?:import|export)\b", body, re.MULTILINE):
        raise ValueError(f"{name}.js: a form of import or export that bundle.py does not have")
    return (
        f"// --- {name}.js\nconst {_variable(name)} = (() => {{\n{body}"
        f"return {{ {', '.join(exports)} }};\n}})();\n"
    )


def _names(names: str | None, module: str) -> str:
    if not names:
        return ""
    listed = " ".join(names.split()).replace(" as ", ": ").rstrip(",")
    return f"const {{ {listed} }} = {_variable(module)};\n"


def _variable(module: str) -> str:
    return f"module_{module.replace('-', '_')}"
