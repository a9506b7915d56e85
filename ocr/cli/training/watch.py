"""Stop a training of which nothing comes."""

from ocr.datasets.labels import DataError
from ocr.training.progress import Report

LATE = 0.6  # share of the epochs, from which on a network that reads nothing will not begin to
WRONG = 0.8  # character error rate of one that reads nothing


def stop_where_hopeless(report: Report) -> None:
    """Raise DataError where a network reads next to nothing of the images that it is watched on.

    60 labels without relation to their images gave 0.88 then, and 0.89 at the end; 24 labels of
    captcha_images_v2, too few to read another image, 0.72 then as at the end.
    """
    error = report.logs.get("val_cer")
    if error is None or report.epoch < LATE * report.epochs or report.epoch == report.epochs:
        return
    if report.logs.get("val_exact", 0.0) == 0.0 and error >= WRONG:
        raise DataError(
            f"nothing is learnt: after {report.epoch} of {report.epochs} epochs no other image is "
            f"read, and {min(error, 1):.0%} of the characters are wrong: do the labels belong to "
            "the images, and are they enough? --epochs N trains all the same"
        )
