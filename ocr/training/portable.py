"""Let older releases of Keras load a network: Keras 3.12, say, a file that Keras 3.15 has written.

A newer Keras writes settings that an older one refuses, even where they have the value that they
always had. `python -m ocr.training.portable FOLDER...` leaves these out of FOLDER/model.keras.
"""

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from ocr import paths

NEWER = {  # since Keras 3.12: settings, and the value that means what Keras did before
    "input_axes": None,
    "output_axes": None,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
}


def without_newer(config: Any) -> Any:
    """Leave out of a configuration, as JSON has it, the newer settings of no effect."""
    if isinstance(config, dict):
        return {
            name: without_newer(value)
            for name, value in config.items()
            if name not in NEWER or value != NEWER[name]
        }
    if isinstance(config, list):
        return [without_newer(value) for value in config]
    return config


def make_portable(file: str | Path) -> None:
    """Rewrite a .keras file without the newer settings; its weights stay as they are.

    Raises OSError, zipfile.BadZipFile, and KeyError where it holds no config.json.
    """
    with zipfile.ZipFile(file) as archive:
        parts = {info: archive.read(info) for info in archive.infolist()}
        config = json.loads(archive.read("config.json"))
    with paths.whole(Path(file)) as part, zipfile.ZipFile(part, "w") as archive:
        for info, content in parts.items():
            if info.filename == "config.json":
                content = json.dumps(without_newer(config)).encode()
            archive.writestr(info, content)


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        make_portable(Path(folder) / "model.keras")
