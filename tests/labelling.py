"""What the tests of labelling share: drawn images, and what is on disk."""

import csv
import json
import os
import time

from PIL import Image, ImageDraw, ImageFont


def rows(folder):
    """Read labels.csv as a spreadsheet would: {file: label}; a file that is there twice fails."""
    with open(folder / "labels.csv", newline="", encoding="utf-8-sig") as file:
        read = [(row["file"], row["label"]) for row in csv.DictReader(file)]
    assert len(dict(read)) == len(read)
    return dict(read)


def entries(folder):
    lines = (folder / ".labels.journal").read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def edit(folder, text):
    """Save labels.csv as another program does; a later time, however coarse the clock is."""
    path = folder / "labels.csv"
    later = path.stat().st_mtime_ns + 10**7 if path.exists() else time.time_ns()
    path.write_bytes(text.encode())
    os.utime(path, ns=(later, later))


def draw(folder, count):
    """Draw images of numbers: {file: number}."""
    font, drawn = ImageFont.load_default(40), {}
    for k in range(count):
        text, file = f"{(k * 7919) % 100_000:05}", f"{k:05}.png"
        picture = Image.new("L", (160, 56), 235)
        ImageDraw.Draw(picture).text((20, 4), text, font=font, fill=30)
        picture.save(folder / file)
        drawn[file] = text
    return drawn
