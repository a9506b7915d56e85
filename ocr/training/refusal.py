"""Teach a trained classifier of characters to refuse what is no character: one more class."""

import numpy as np
import pandas as pd

from ocr.backend import keras
from ocr.datasets.dataset import Labelled, join
from ocr.drawing.strangers import (
    FAMILIES,
    HELD_OUT,
    KINDS,
    TURNS,
    Printer,
    characters,
    on_worn_paper,
    strangers,
)
from ocr.reading.ctc import Alphabet
from ocr.reading.inputs import INPUTS
from ocr.reading.scripts import MARKS
from ocr.training import classifier

UNREADABLE = MARKS["unreadable"]
MARK = {"unreadable": UNREADABLE}  # the section "marks" of a contract
LOW = -6.0  # bias of the new class at the start, below the least of all others
PEAK = 5e-4  # learning rate: a sixth of that which the classifiers are trained with
SHARE = 0.15  # of the images learnt from that are drawn
RARER = 1.0  # taken from the logit of the new class afterwards, see `teach`


def with_refusal(alphabet: Alphabet) -> Alphabet:
    """Append the class "unreadable" to an alphabet."""
    return Alphabet(alphabet.symbols + UNREADABLE)


def drawn(
    count: int,
    seed: int,
    fit: str,
    printed: str = "",
    hands: Labelled | None = None,
    held_out: bool = False,
) -> Labelled:
    """Draw `count` strangers, labelled UNREADABLE and named by their kind; and characters.

    A network must not learn that worn paper makes a stranger: so the characters of `printed`, one
    picture each, are on it, too, and as many of `hands`, handwritten characters in EMNIST's form.
    Two of `hands` side by side are strangers. fit: a key of `INPUTS`. held_out: in the font
    families that are kept for validation.
    """
    kind = INPUTS[fit].fixed()
    images = None if hands is None else hands.images[..., 0]
    printer = Printer(HELD_OUT if held_out else FAMILIES, images)
    turns = tuple(KINDS) if held_out else TURNS
    pictures, kinds = strangers(count, seed, kind, printer, turns)
    parts = [Labelled(pictures, [UNREADABLE] * count, kinds)]
    if printed:
        known = characters(printed, seed, kind, printer)
        parts.append(Labelled(known, list(printed), ["printed"] * len(printed)))
    if printed and hands is not None:
        some = hands.take(np.random.default_rng(seed).permutation(len(hands))[: len(printed)])
        known = on_worn_paper(some.images[..., 0], seed, kind)
        parts.append(Labelled(known, some.labels, ["handwritten"] * len(some)))
    return join(parts)


def extended(network):
    """Copy a classifier, images to logits (n, classes), with one more class at the end.

    The new class has weights 0 and a bias below those of all others: the other logits, and so the
    answers, are those of `network`.
    """
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    last = copy.layers[-1]
    kernel, bias = last.get_weights()
    wider = keras.layers.Dense(kernel.shape[1] + 1, name=last.name)
    logits = wider(copy.layers[-2].output)
    wider.set_weights([np.pad(kernel, ((0, 0), (0, 1))), np.append(bias, bias.min() + LOW)])
    return keras.Model(copy.inputs, logits)


def teach(
    name: str,
    network,
    train: Labelled,
    validation: Labelled,
    alphabet: Alphabet,
    strange: Labelled,
    *,
    epochs: int,
    steps: int,
    seed: int,
    groups: np.ndarray | None = None,
    fit: str = "glyph",
    strength: float = 1.0,
    batch_size: int = 64,
):
    """Add the class "unreadable" and fine-tune: return (the new network, its log by epoch).

    It learns from `train`, balanced as before by `groups` (default: the classes), and `strange`, as
    `drawn` makes it, SHARE of each batch; of characters it also learns what `network` thought of
    them, so that its answers change little. Then it is calibrated on `validation`, characters
    alone, and RARER is taken from the bias of the class, as strangers are rarer in use than in
    training: of 0 to 4 this was the most that kept fewer than 1 % of the strangers of other fonts
    above 0.9 (lesson 02). `network` stays as it is. Resumes like `classifier.fit`.
    """
    symbols, kind = with_refusal(alphabet), INPUTS[fit].fixed()
    keras.utils.set_random_seed(seed)
    taught = extended(network)
    classifier.one_cycle(taught, epochs * steps, peak=PEAK, smoothing=0.0)
    groups = alphabet.classes(train.labels) if groups is None else groups
    log = classifier.fit(
        name,
        taught,
        join([train, strange]),
        validation,
        symbols,
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        normalisation=kind.normalisation,
        strength=strength,
        augmentation=kind.augmentation,
        groups=np.concatenate([groups, _drawn_groups(len(strange), groups, seed)]),
        teachers=[network],
    )
    classifier.calibrate(taught, validation, symbols, kind.normalisation)
    kernel, bias = taught.layers[-1].get_weights()
    bias[-1] -= RARER
    taught.layers[-1].set_weights([kernel, bias])
    return taught, log


def _drawn_groups(count: int, groups: np.ndarray, seed: int) -> np.ndarray:
    """Divide drawn images into so many groups of their own that SHARE of a balanced draw is drawn.

    Returns integers (count,), above those of `groups`.
    """
    own = max(1, round(SHARE / (1 - SHARE) * len(np.unique(groups))))
    order = np.random.default_rng(seed).permutation(count)
    return int(np.max(groups)) + 1 + order % own


def readings(log_probs: np.ndarray, alphabet: Alphabet) -> tuple[list[str], np.ndarray]:
    """Read log-probabilities (n, classes) as a Reader does: texts, confidences floats (n,).

    A text is "" and its confidence 0 where "unreadable" is the most probable class.
    """
    best = [alphabet.symbols[i] for i in log_probs.argmax(axis=1)]
    texts = ["" if symbol == UNREADABLE else symbol for symbol in best]
    sure = np.exp(log_probs.max(axis=1))
    return texts, np.where([text == "" for text in texts], 0.0, sure)


def sure_by_kind(kinds: list[str], confidences: dict[str, np.ndarray], sure: float = 0.9):
    """Tabulate the share of strangers of each kind that is read with at least `sure`."""
    shares = {
        column: pd.Series(values >= sure).groupby(np.asarray(kinds), sort=False).mean()
        for column, values in confidences.items()
    }
    return pd.DataFrame(shares).rename_axis(f"read with {sure} and more")


def calibrated(trust: dict, confidences: np.ndarray) -> np.ndarray:
    """Calibrate confidences by the section "trust" of a contract; that of a refusal stays 0."""
    curve = np.interp(confidences, *np.transpose(trust["points"]))
    return np.where(confidences > 0, curve, 0.0)
