"""Install on Google Colab what the course needs and Colab lacks: the notebooks' first cell does.

`%run install/colab.py` in a notebook, `python install/colab.py` in an environment of one's own.
What is installed keeps its version; what is missing comes in the version of requirements.txt where
that agrees with the rest, else in the newest that does. JupyterLab and the tools of the tests are
left out.
"""

import re
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("draw", "train", "desk", "serve", "scale", "fonts")
LESSONS = ("ai-edge-litert", "psutil")  # what lessons 06 and 07 import beside the extras


def plain(name: str) -> str:
    """Write the name of a package, or a requirement, as indexes do: "Jupyter_Client>=8" as
    "jupyter-client".
    """
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", name)[0]).lower()


def needed() -> list[str]:
    """List what the lessons need, as requirements: "onnx>=1.17"."""
    facts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [facts["dependencies"], *(facts["optional-dependencies"][name] for name in EXTRAS)]
    listed = [line for lines in lists for line in lines if not line.startswith("ocr-readers")]
    return [*listed, *LESSONS]


def pinned() -> dict[str, str]:
    """Read requirements.txt: {name: "name==version"}."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {plain(line): line.split()[0] for line in lines if line[:1].isalpha()}


def missing(installed: dict[str, str]) -> dict[str, str]:
    """Return what is needed and not installed: {name: requirement}."""
    return {plain(line): line for line in needed() if plain(line) not in installed}


def pip(*arguments: str) -> bool:
    """Run pip in this environment; return whether it succeeded."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", *arguments]
    return subprocess.run(command).returncode == 0


def install() -> list[str]:
    """Install what is missing, and this project without what it needs; return the names."""
    installed = {plain(one.name): one.version for one in distributions()}
    names = missing(installed)
    with tempfile.TemporaryDirectory() as folder:
        keep = Path(folder) / "installed.txt"
        keep.write_text("\n".join(f"{name}=={version}" for name, version in installed.items()))
        pins = [pinned().get(name, line) for name, line in names.items()]
        done = not names or pip("-c", str(keep), *pins) or pip("-c", str(keep), *names.values())
    if not (done and pip("--no-deps", "-e", str(ROOT))):
        sys.exit("install/colab.py: pip could not install what is missing, its reason is above")
    return list(names)


if __name__ == "__main__":
    print(f"installed beside what was here: {', '.join(install()) or 'nothing'}")
    if str(ROOT) not in sys.path:  # in a running notebook, which has not seen the new path
        sys.path.insert(0, str(ROOT))
