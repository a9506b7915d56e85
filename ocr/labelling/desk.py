"""The desk: what the page shows and what a person's answers do, without any HTTP."""

import datetime
import itertools
import threading
from collections.abc import Mapping
from typing import Any

from ocr.datasets.labels import clean
from ocr.labelling import queue
from ocr.labelling.guesses import Guess, Guesser
from ocr.labelling.images import Images
from ocr.labelling.journal import LABELLED, PAGE, SKIPPED, STATES, UNDONE, UNREADABLE, Entry
from ocr.labelling.store import Store

COMING = 21  # images sent ahead: the one to answer, and the next twenty
LATER = 0.2  # seconds after an answer, when the next image is in view
PAUSE = 60  # seconds; longer gaps between answers are not counted as time spent
LONGEST = 200  # characters of a label


class Refused(ValueError):
    """An answer that is not taken; the message is one line for the person."""


class Desk:
    """Ask for the labels of a folder's images.

    alphabet: the characters that labels may have, all where it is empty. seed: of the random order.
    """

    def __init__(
        self, images: Images, store: Store, guesser: Guesser, alphabet: str = "", seed: int = 0
    ):
        self.images, self.store, self.guesser = images, store, guesser
        self.alphabet, self.seed = alphabet, seed
        self._mutex = threading.Lock()
        self._streams = queue.streams(images.names, seed)
        self._guesses: Mapping[str, Guess] = {}  # that the streams are sorted by
        self._near: set[str] = set()  # of all labelled images
        self._put_off: dict[str, int] = {}
        self._answers, self._seconds = 0, 0.0
        self._moment: datetime.datetime | None = None
        for file, entry in store.answered().items():
            if entry.state == SKIPPED:
                self._put_off[file] = -queue.AGAIN  # of an earlier day: again now
        for entry in sorted(store.history.actions.values(), key=lambda entry: entry.number):
            self._count(entry)
        self._stopped, self._woken = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._compare, daemon=True)

    def start(self) -> None:
        """Start what runs in the background: the guesser, and the search for near-duplicates."""
        self._thread.start()
        self.guesser.start()

    def close(self) -> None:
        """Stop what runs in the background, and write the labels a last time."""
        self._stopped.set()
        self._woken.set()
        self.guesser.close()
        self.store.close()

    def _compare(self) -> None:
        """Hash all images, then find the near-duplicates of each labelled one."""
        self.images.hash_all(self._stopped.is_set)
        while not self._stopped.is_set():
            self.compare()
            self._woken.wait()
            self._woken.clear()
            self._stopped.wait(LATER)

    def compare(self) -> None:
        """Find the near-duplicates of the labelled images, among those hashed so far."""
        labelled = self.store.labels
        self.images.compare(labelled, self._stopped.is_set)
        self._near = set().union(*(self.images.twins.get(name, ()) for name in labelled))

    def _count(self, entry: Entry) -> None:
        """Count an answer, and the time since the one before."""
        moment = datetime.datetime.fromisoformat(entry.time.rstrip("Z"))
        if self._moment is not None:
            gap = (moment - self._moment).total_seconds()
            self._seconds += gap if gap <= PAUSE else 0.0
        self._moment = moment
        self._answers += 1

    # --- what the page shows

    def state(self) -> dict[str, Any]:
        """Describe the progress: counts, time, what the guesser does, problems."""
        entries = self.store.answered().values()
        states = [entry.state for entry in entries]
        labelled = states.count(LABELLED)
        mine = sum(entry.state == LABELLED and entry.source == PAGE for entry in entries)
        over = {entry.file for entry in entries if entry.state != SKIPPED} | {*self.images.faults}
        minutes, rate = self._pace(mine)
        faults = itertools.islice(self.images.faults.items(), 100)
        return {
            "images": len(self.images.names),
            "labelled": labelled,
            "gold": sum(entry.gold and entry.state == LABELLED for entry in entries),
            "put_off": states.count(SKIPPED),
            "unreadable": states.count(UNREADABLE),
            "left": len(self.images.names) - sum(file in self.images for file in over),
            "minutes": round(minutes, 2),
            "rate": rate,
            "faults": [{"file": file, "problem": problem} for file, problem in faults],
            "faulty": len(self.images.faults),
            "problem": self.store.problem,
            "full": self.store.full,
            "notices": self.store.notices[-5:],
            "guesser": self.guesser.status(),
        }

    def _pace(self, labels: int) -> tuple[float, float | None]:
        """The minutes spent, and labels a minute, None where it is too early to say."""
        minutes = self._seconds / 60
        return minutes, round(labels / minutes, 1) if minutes > 0.1 else None

    def learning(self) -> dict[str, Any]:
        """Describe the learning curve: its points, and what they mean in words."""
        return self.guesser.curve(self.state()["rate"])

    def doubts(self) -> list[dict[str, Any]]:
        """Describe the images whose labels need a second look, and what was read in them."""
        found = [doubt for doubt in self.guesser.doubts() if self.images.check(doubt.file)]
        return [
            {**self.item(doubt.file), "read": doubt.text, "sure": round(doubt.confidence, 4)}
            for doubt in found
        ]

    def coming(self, count: int = COMING) -> list[dict[str, Any]]:
        """List the images to ask for next, images that have gone left out."""
        entries = self.store.answered()
        with self._mutex:
            put_off = {
                file: number
                for file, number in self._put_off.items()
                if file in entries and entries[file].state == SKIPPED and file in self.images
            }
            order = queue.upcoming(
                self._sorted(),
                len(entries),
                closed={f for f, e in entries.items() if e.state != SKIPPED}
                | {*self.images.faults},
                near=self._near,
                put_off=put_off,
                answers=self._answers,
            )
            names = list(itertools.islice(filter(self.images.check, order), count))
        return [self.item(name) for name in names]

    def _sorted(self) -> queue.Streams:
        """Return the orders of the images, sorted anew where there are new guesses."""
        guesses = self.guesser.guesses()
        if guesses is not self._guesses:
            confidences = {name: guess.confidence for name, guess in guesses.items()}
            self._streams = queue.least_sure(self._streams, confidences)
            self._guesses = guesses
        return self._streams

    def item(self, name: str) -> dict[str, Any]:
        """Describe an image: its last answer, and the guess."""
        entry, guess = self.store.last(name), self.guesser.guesses().get(name)
        state = "" if entry is None or entry.state == UNDONE else entry.state
        return {
            "file": name,
            "seen": entry.number if entry else 0,
            "action": entry.action if entry else 0,
            "state": state,
            "label": entry.label if entry else "",
            "guess": guess.text if guess else "",
            "confidence": round(guess.confidence, 4) if guess else None,
            "trusted": guess.trusted if guess else False,
        }

    def previous(self, before: int | None = None) -> dict[str, Any] | None:
        """Describe the image answered before an entry, by default the last one; None for none."""
        actions = list(self.store.history.actions.values())
        for entry in reversed(actions):
            if (before is None or entry.number < before) and entry.file in self.images:
                return {**self.item(entry.file), "at": entry.number}
        return None

    def listing(self) -> list[list]:
        """List all images by their text: [file, text, "label", "guess" or "", seen, confidence].

        Images without a text, and those that nobody can read, come last.
        """
        entries, guesses = self.store.answered(), self.guesser.guesses()
        rows = []
        for name in self.images.names:
            entry, guess = entries.get(name), guesses.get(name)
            if name in self.images.faults or (entry and entry.state == UNREADABLE):
                continue
            text, kind = (guess.text, "guess") if guess and guess.text else ("", "")
            if entry is not None and entry.state == LABELLED:
                text, kind = entry.label, "label"
            confidence = round(guess.confidence, 3) if guess else None
            rows.append([name, text, kind, self.store.seen(name), confidence])
        return sorted(rows, key=lambda row: (not row[1], row[1], row[0]))

    # --- answers

    def answer(self, file: str, state: str, label: str = "", seen: int = 0) -> dict[str, Any]:
        """Keep an answer. Raises Refused, store.Conflict, store.StoreError."""
        if file not in self.images:
            raise Refused(f"{file}: no such image in the folder")
        if state not in STATES or state == UNDONE:
            raise Refused(f"state {state!r}: give labelled, skipped or unreadable")
        label = self.check(label) if state == LABELLED else ""
        gold = queue.is_gold(file, self.seed) and self._is_clean(file)
        entry = self.store.answer(file, state, label, seen=seen, gold=gold)
        with self._mutex:
            self._count(entry)
            if state == SKIPPED:
                self._put_off[file] = self._answers
        self._woken.set()
        return self.item(file)

    def keep(self, file: str, label: str) -> None:
        """Keep a label that a reader contradicts. Raises Refused where it is another by now."""
        if self.store.labels.get(file) != label:
            raise Refused(f"{file}: its label has been changed in the meantime")
        self.guesser.keep(file, label)

    def _is_clean(self, file: str) -> bool:
        """May an image be gold: none like it is labelled for training."""
        compared = list(self.images.twins.items())
        near = (self.store.last(twin) for twin, twins in compared if file in twins)
        return not any(entry and entry.state == LABELLED and not entry.gold for entry in near)

    def check(self, label: str) -> str:
        """Normalise a label. Raises Refused where it is empty or has other characters."""
        label = clean(label)
        if not label:
            raise Refused("type what the image says; F2 if nobody can read it")
        if len(label) > LONGEST or not label.isprintable():
            raise Refused(f"a label is one line of at most {LONGEST} characters")
        other = sorted(set(label) - set(self.alphabet)) if self.alphabet else []
        if other:
            raise Refused(f"not in the alphabet: {' '.join(map(repr, other))}")
        return label

    def undo(self, action: int | None = None) -> dict[str, Any] | None:
        """Take an answer back, by default the last one; describe its image, None for none."""
        entry = self.store.undo(action)
        self._woken.set()
        return None if entry is None else self.item(entry.file)
