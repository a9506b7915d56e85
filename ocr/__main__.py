"""`python -m ocr` is `ocr`."""

import sys

from ocr.cli import main

if __name__ == "__main__":
    sys.exit(main())
