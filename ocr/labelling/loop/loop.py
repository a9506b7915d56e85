"""The loop: train while a person labels, read the rest again, score, and look twice at labels."""

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ocr.labelling import queue
from ocr.labelling.guesses import Doubt, Guess, Guesser, ReaderGuesses, read
from ocr.labelling.images import Images
from ocr.labelling.journal import SKIPPED, now
from ocr.labelling.loop import curve, gold, selection
from ocr.labelling.loop.curve import Point
from ocr.labelling.loop.jobs import Running, Setup
from ocr.labelling.loop.notes import Notes
from ocr.labelling.loop.second_look import SecondLook
from ocr.labelling.loop.selection import FIRST, LEAST, Chosen
from ocr.labelling.loop.trainer import Trainer
from ocr.labelling.loop.worker import EPOCHS, FAILED
from ocr.labelling.store import Store
from ocr.reading.bulk import BatchReader
from ocr.reading.contract import ReaderError
from ocr.reading.reader import Reader
from ocr.training.recipes import RECIPES

LOOK = 0.5  # seconds between looks at what is new
# Exact match from which on the second look says something. Where the readers of its folds read 72 %
# of 200 drawn CAPTCHAs, 29 labels were contradicted and 7 of the 10 wrong ones among them.
READS = 0.8


class Loop(Guesser):
    """Train while a person labels.

    first: a reader that gives guesses until there is one of these labels, and its name. load: opens
    the folder of a reader.
    """

    def __init__(
        self,
        images: Images,
        store: Store,
        setup: Setup,
        trainer: Trainer,
        first: tuple[BatchReader, str] | None = None,
        load: Callable[[Path], BatchReader] = Reader.load,
    ):
        self.images, self.store, self.setup, self.name = images, store, setup, setup.folder.name
        self.notes = Notes(store.folder)
        self._trainer, self._first, self._load = trainer, first, load
        self._guesser = Guesser()
        self._running: Running | None = None
        points = self.notes.points(self.name)
        self._trained: dict[str, str] | int | None = points[-1].trained if points else None
        self._second_look = SecondLook(images, setup.seed)
        self._problem, self._notice, self._version = "", "", 0
        self._number, self._moved = -1, time.monotonic()  # last entry, and when it came
        self._chosen = Chosen({}, {}, set(), 0)
        self._doubts: tuple[Any, list[Doubt]] = (None, [])
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    # --- what the page asks

    def start(self) -> None:
        """Begin to read and to look for new labels."""
        own = None
        if self._is_ours():
            with contextlib.suppress(ReaderError):
                own = self._load(self.setup.folder)
        if own is not None:
            self._read_all(own, self.name)
        elif self._first is not None:
            self._read_all(*self._first)
        self._thread.start()

    def status(self) -> dict[str, Any]:
        """Describe what is done now; `version` changes with the curve and the doubts."""
        running, reading = self._running, self._guesser.status()
        text, share = self._waiting(), reading["share"]
        if running is not None:
            text, share = running.text(self.name), running.share
        texts = [text, reading["text"], self._notice]
        return {
            "text": " · ".join(filter(None, texts)),
            "share": share,
            "training": running is not None,
            "problem": self._problem or self.notes.problem,
            "doubts": len(self.doubts()),
            "version": self._version,
        }

    def _waiting(self) -> str:
        chosen = self._chosen
        if chosen.labelled < FIRST:
            kind = self.setup.kind
            what = f", {kind}: {RECIPES[kind].about}" if kind else ""
            return f"training starts at {FIRST} labels{what}"
        if len(chosen.training) < LEAST:
            return f"training starts at {LEAST} labelled images that are unlike the gold ones"
        left = selection.wanted(self._before()) - self._new(chosen)
        return f"trains again after {left:,} more labels" if left > 0 else ""

    def guesses(self) -> Mapping[str, Guess]:
        """Return the guesses of the reader in its place."""
        return self._guesser.guesses()

    def curve(self, rate: float | None) -> dict[str, Any]:
        """Describe the scores on the gold set, and what more labels would bring."""
        points = self.notes.points(self.name)
        return {
            "points": curve.described(points),
            "words": curve.words(points, self._chosen.labelled, rate),
            "forecast": curve.forecast(points),
        }

    def doubts(self) -> Sequence[Doubt]:
        """List the labels that readers contradict which never saw them."""
        key = (self.store.history.number, self._version)
        if self._doubts[0] != key:
            self._doubts = (key, self._second_look.doubts(self.store.labels, self.notes.is_kept))
        return self._doubts[1]

    def keep(self, file: str, label: str) -> None:
        """Note that a label is right, whatever a reader says."""
        self.notes.keep(file, label)
        self._version += 1

    def close(self) -> None:
        """Stop, and end the training."""
        self._stopped.set()
        if self._thread.ident:
            self._thread.join()
        self._trainer.cancel()
        self._guesser.close()

    # --- one look after another

    def _run(self) -> None:
        while not self._stopped.wait(LOOK):
            try:
                self.look()
            except Exception as error:  # the labelling goes on, whatever it is
                self._trainer.cancel()
                self._running = None
                self._fail(f"{type(error).__name__}: {error}", None)

    def look(self) -> None:
        """See what is new: labels, and what the training says; begin what is to be done now."""
        if self.store.history.number != self._number:
            self._number, self._moved = self.store.history.number, time.monotonic()
            self._chosen = selection.choose(self.store, self.images)
        chosen = self._chosen
        if self._running is not None:
            self._follow(self._running, chosen)
        if self._running is None:
            if self._is_due(chosen):
                self._train(chosen)
            elif self._reads() and self._second_look.is_due(chosen.training):
                fold, labels = self._second_look.next_fold(chosen.training)
                self._begin(labels, chosen, fold)

    def _before(self) -> Mapping[str, str] | int:
        return 0 if self._trained is None else self._trained

    def _new(self, chosen: Chosen) -> int:
        """Count the changes since the last training; of another day only their number is known."""
        before = self._before()
        if isinstance(before, int):
            return max(0, len(chosen.training) - before)
        return selection.changes(chosen.training, before)

    def _is_due(self, chosen: Chosen) -> bool:
        if chosen.labelled < FIRST or len(chosen.training) < LEAST:
            return False
        new = self._new(chosen)
        resting = time.monotonic() - self._moved > selection.RESTING
        return new >= selection.wanted(self._before()) or (new > 0 and resting)

    def _reads(self) -> bool:
        """Does the reader read well enough for its contradictions to say something?"""
        points = self.notes.points(self.name)
        return bool(points) and points[-1].hits >= READS * max(1, points[-1].n)

    # --- trainings

    def _train(self, chosen: Chosen) -> None:
        self._problem = ""
        self._trained = chosen.training
        self._begin(chosen.training, chosen, None)

    def _begin(self, labels: dict[str, str], chosen: Chosen, fold: int | None) -> None:
        work = self._trainer.work
        data = work / "data" / self.images.folder.resolve().name
        reader = work / "reader" / self.name
        shutil.rmtree(reader, ignore_errors=True)
        try:
            job = self.setup.job(labels, data, reader)
            selection.lay_out(data, self.images, labels)
            self._trainer.start(job)
        except (ReaderError, OSError) as error:
            self._fail(f"{error}", fold)
            return
        self._running = Running(labels, chosen.labelled, job.kind, reader, fold)

    def _follow(self, running: Running, chosen: Chosen) -> None:
        for event in self._trainer.events():
            if event.state == EPOCHS:
                running.epoch, running.epochs = event.epoch, event.epochs
                continue
            self._running = None
            if event.state == FAILED:
                self._fail(event.problem, running.fold)
            else:
                self._finish(running, chosen)
        stale = selection.is_stale(running.labels, chosen, running.share)
        if self._running and (stale or (running.fold is not None and self._is_due(chosen))):
            self._trainer.cancel()
            self._running = None
            if running.fold is None:
                self._trained = None
            else:
                self._second_look.left.insert(0, running.fold)

    def _fail(self, problem: str, fold: int | None) -> None:
        """Say why a training failed; it is not tried again with the same labels."""
        what = "training failed" if fold is None else "the second look failed"
        self._problem = f"{what}: {problem}"
        if fold is not None:
            self._second_look.left = []

    def _finish(self, running: Running, chosen: Chosen) -> None:
        try:
            reader = self._load(running.reader)
            self._second_look.plain = gold.plain(reader)
            if running.fold is None:
                self._take(running, reader, chosen)
            else:
                held = self._second_look.held_out(chosen.training, running.fold)
                self._second_look.readings[running.fold] = dict(read(reader, self.images, held))
        except (ReaderError, OSError) as error:
            self._fail(str(error), running.fold)
        self._version += 1

    def _take(self, running: Running, reader: BatchReader, chosen: Chosen) -> None:
        """Score a new reader and let it take its place, unless the one there is better."""
        if not chosen.aside.isdisjoint(running.labels):  # it has seen what it would be scored on
            self._trained = None
            return
        found = gold.score(reader, self.images, chosen.gold)
        ours = self._is_ours()
        before = self._hits_before(chosen)
        better = gold.is_better(found.hits, before, ours)
        if better:
            gold.install(running.reader, self.setup.folder, found)
        self._second_look.readings[None] = found.readings
        n = len(found.readings)
        point = Point(running.count, len(running.labels), found.hits, n, now(), better)
        self.notes.add(self.name, point)
        self._notice = "" if better else self._refusal(found.hits, before, n, ours)
        if better:
            self._read_all(reader, self.name)

    def _is_ours(self) -> bool:
        """Was the reader that is there trained here?"""
        return any(point.saved for point in self.notes.points(self.name))

    def _hits_before(self, chosen: Chosen) -> int | None:
        """Score the reader that is there; None where there is none that can be read."""
        try:
            there = self._load(self.setup.folder)
        except ReaderError:
            return None
        return gold.score(there, self.images, chosen.gold).hits

    def _refusal(self, hits: int, before: int | None, n: int, ours: bool) -> str:
        which = "the reader before" if ours else f"{self.name}, which was not trained here,"
        advice = "" if ours else "; give another --name to keep both"
        return (
            f"{which} reads {before} of {n} gold images right, the new one {hits}: not "
            f"replaced{advice}"
        )

    def _read_all(self, reader: BatchReader, name: str) -> None:
        """Read all images again that have no label; older guesses hold until then."""
        self._guesser.close()
        entries = self.store.answered()
        closed = {file for file, entry in entries.items() if entry.state != SKIPPED}
        order = queue.random_order(self.images.names, self.setup.seed)
        order = [file for file in order if file not in closed and file not in self.images.faults]
        before = self._guesser.guesses()
        self._guesser = ReaderGuesses(reader, name, self.images, order, before)
        self._guesser.start()
