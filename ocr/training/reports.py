"""Report on a training: the audit, samples, curves, the score, the worst errors; save and read.

Figures are saved in figures/, or shown in a notebook, as `plots.show` does.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from ocr import plots, scores
from ocr.datasets import audit
from ocr.datasets.dataset import Labelled
from ocr.reading.reader import Reader
from ocr.training import export

ON_TEST = "test images, never trained on"


def show_audit(table: pd.DataFrame):
    """Print the audit and the files that it names."""
    print(audit.words(table))


def show_samples(name: str, data: Labelled):
    """Show some images to train on."""
    some = np.random.default_rng(0).permutation(len(data))[:12]
    plots.grid(_shown(data.images[some]), np.array(data.labels)[some], f"{name}-samples")


def show_curves(name: str, log: pd.DataFrame, trained, columns: dict[str, str]):
    """Show the training curves."""
    print(f"{trained.count_params():,} parameters")
    plots.curves({"yours": log}, columns, f"{name}-curves")


def report(
    name: str, test: Labelled, texts: list[str], sure: np.ndarray, on: str = ON_TEST
) -> dict:
    """Print and plot how good the reads of the test images are; return the score.

    on: what these images are.
    """
    result = scores.score(texts, test.labels)
    print(f"{result}; {on}")
    right = np.array([text == label for text, label in zip(texts, test.labels)])
    plots.confidence(sure, right, f"{name}-confidence")
    worst = np.lexsort((np.where(right, sure, -sure), right))[:24]  # surest errors first
    titles = [
        f"{texts[i]} {sure[i]:.2f}" + ("" if right[i] else f" ({test.labels[i]})") for i in worst
    ]
    plots.grid(_shown(test.images[worst]), titles, f"{name}-worst", right[worst])
    return {"on": on, **result._asdict()}


def _shown(images: np.ndarray) -> np.ndarray:
    """Views (n, H, W, 4) as colour pictures (n, H, W, 3); others as they are."""
    return images[..., :3] if images.shape[3] == 4 else images


def finish(folder: Path, trained, facts: dict, test: Labelled) -> Reader:
    """Save the reader; read three test images with it."""
    export.save(folder, trained, facts, test.images[:64])
    for file in sorted(folder.iterdir()):
        print(f"{folder.name}/{file.name}  {file.stat().st_size / 1000:.0f} kB")
    reader = Reader.load(folder)
    for image, label in zip(test.images[:3], test.labels):
        reading = reader.read(_shown(image[None])[0])
        print(f"label {label}  read {reading.text}  confidence {reading.confidence:.4f}")
    return reader
