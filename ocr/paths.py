"""Where things lie."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent
DATA, MODELS, CACHE, LOGS, FIGURES = (
    ROOT / name for name in ("data", "models", ".cache", "logs", "figures")
)
