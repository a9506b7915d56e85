"""Build a release, check it and try its wheel in an empty environment: make release VERSION=2.1.0

VERSION becomes the one of ocr/__init__.py, which is the only place that has it, and the heading of
what is "Unreleased" in CHANGELOG.md. Without VERSION the present version is built and tried, as for
a rehearsal. Nothing is published: the last lines say how.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from packaging.metadata import Metadata

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PICTURE = ROOT / "ocr" / "serving" / "static" / "examples" / "western.png"
TRIAL = """
from importlib.resources import files
from ocr import Reader, __version__
reading = Reader.load("numbers").read({picture!r}, pattern="dd/dd/dddd")
assert (__version__, reading.text) == ({version!r}, "12/03/2024"), (__version__, reading)
assert files("ocr").joinpath("py.typed").is_file()
"""


def present(package: str) -> str:
    """Read the version from the text of ocr/__init__.py."""
    return re.search(r'^__version__ = "([^"]+)"$', package, re.MULTILINE)[1]


def renamed(package: str, changes: str, version: str) -> tuple[str, str]:
    """Return the texts of ocr/__init__.py and CHANGELOG.md for a new version.

    Raises ValueError where it is no version, or not a later one, or nothing has changed.
    """
    old = present(package)
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ValueError(f"VERSION={version}: give three numbers, as 2.1.0")
    if [*map(int, version.split("."))] <= [*map(int, old.split("."))]:
        raise ValueError(f"VERSION={version}: {old} is there already, give a later one")
    section = re.search(r"^## Unreleased\n(.*?)(?=^## |\Z)", changes, re.MULTILINE | re.DOTALL)
    if not section or not section[1].strip():
        raise ValueError("CHANGELOG.md: nothing stands under Unreleased, write what has changed")
    changes = changes.replace("## Unreleased\n", f"## Unreleased\n\n## {version}\n", 1)
    return package.replace(f'"{old}"', f'"{version}"', 1), changes


def build() -> Path:
    """Build dist/ anew, and check what an index would refuse; return the wheel."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "hatchling", "build", "-d", DIST)
    (wheel,) = DIST.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        Metadata.from_email(archive.read(name), validate=True)
    return wheel


def try_out(wheel: Path, version: str) -> None:
    """Install the wheel alone into a new environment, and read with its command and in Python."""
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "venv", folder)
        binaries = Path(folder) / ("Scripts" if os.name == "nt" else "bin")
        run(binaries / "python", "-m", "pip", "install", "--quiet", wheel)
        trial = TRIAL.format(picture=str(PICTURE), version=version)
        run(binaries / "python", "-c", trial, cwd=folder)
        run(binaries / "ocr", "read", "--model", "numbers", PICTURE, cwd=folder)


def run(*command, cwd: Path | str = ROOT) -> None:
    """Run a program; a failure ends this one."""
    if status := subprocess.run([str(part) for part in command], cwd=cwd).returncode:
        sys.exit(f"{Path(str(command[0])).name} {command[-1]}: failed with status {status}")


def main(version: str | None) -> None:
    """Name the version, if one is given; build, check and try; say what is left to do."""
    files = ROOT / "ocr" / "__init__.py", ROOT / "CHANGELOG.md"
    texts = [file.read_text(encoding="utf-8") for file in files]
    if version:
        try:
            texts = renamed(*texts, version)
        except ValueError as error:
            sys.exit(str(error))
        for file, text in zip(files, texts):
            file.write_text(text, encoding="utf-8")
    version = present(texts[0])
    try_out(build(), version)
    print(f"\nocr-readers {version} is in dist/ and works in an empty environment. To publish it:")
    print(f"  git commit -am 'Release {version}' && git tag v{version} && git push --tags")
    print("  .venv/bin/uv publish dist/*")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
