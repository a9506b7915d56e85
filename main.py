"""Read images: `python main.py PATH...`, the same as `ocr read`."""

import sys

from ocr.cli.read import main

if __name__ == "__main__":
    sys.exit(main())
