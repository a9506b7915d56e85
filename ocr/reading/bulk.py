"""The one loop over many images, in batches."""

from itertools import islice

from ocr.reading.files import printable
from ocr.reading.images import ImageError
from ocr.reading.reader import BATCH, Reader


def read_all(reader: Reader, found, bound=None):
    """Yield (name, Reading, None) or (name, None, error message), in order, `BATCH` images in memory at a time."""
    found = iter(found)
    while batch := list(islice(found, BATCH)):
        prepared, errors = {}, {}
        for i, image in enumerate(batch):
            try:
                prepared[i] = reader.prepare(image.read())
            except ImageError as error:
                errors[i] = str(error)
        readings = dict(zip(prepared, reader.read_prepared(list(prepared.values()), bound=bound)))
        for i, image in enumerate(batch):
            yield printable(image.name), readings.get(i), errors.get(i)
