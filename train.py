"""Train a reader on your own images: `python train.py LESSON ...`, the same as `ocr train`."""

import sys

from ocr.cli.train import main

if __name__ == "__main__":
    sys.exit(main())
