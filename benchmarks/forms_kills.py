"""Kill `ocr form read` again and again; see benchmarks/forms.py."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ocr.forms.journal import rows_of
from ocr.paths import DATA, ROOT

METER = DATA / "forms" / "meter"
KILLS = 20


def measure_kills(pages: int, anew: bool) -> None:
    """Kill 20 times, each at a random moment after a page was added; report what is there."""
    rng, kills = np.random.default_rng(0), 0
    with TemporaryDirectory() as folder:
        scans, rows = Path(folder) / "scans", Path(folder) / "rows.jsonl"
        scans.mkdir()
        for number in range(pages):
            (scans / f"{number:03}.png").symlink_to(METER / "filled" / "1.png")
        command = [sys.executable, "-m", "ocr", "form", "read", METER / "form.json", scans]
        command += ["--out", rows]
        while True:
            before = rows.stat().st_size if rows.exists() else 0
            started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
            while started.poll() is None and (not rows.exists() or rows.stat().st_size <= before):
                time.sleep(0.01)
            if kills == KILLS or started.poll() is not None:
                break
            time.sleep(rng.uniform(0, 0.3))
            started.send_signal(signal.SIGKILL)
            started.wait()
            kills += 1
        status = started.wait()
        names = [row["file"] for row in rows_of(rows)]
    once = len(names) == len(set(names)) == pages
    print(f"{kills} kills, then status {status}; {len(names)} rows of {pages} pages", end=": ")
    print("every page once" if once else "NOT every page once")
