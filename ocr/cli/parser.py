"""An argument parser whose errors name the near option or command, and exit statuses."""

import argparse
import difflib
import re
import sys
from typing import NoReturn

from ocr.datasets.labels import Columns

DONE, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130  # exit statuses


class Parser(argparse.ArgumentParser):
    """An ArgumentParser with examples kept as written, and suggestions in its errors."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(*args, **kwargs)
        self._words: list[str] = []

    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and one line: what is wrong, and what may have been meant."""
        near = self._near(message)
        hint = f"; did you mean {near}?" if near else ""
        print(f"{self.prog}: {message}{hint} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(WRONG_USAGE)

    def _near(self, message: str) -> str | None:
        """Find the option or choice that is most like the one that the message complains of."""
        known = [option for action in self._actions for option in action.option_strings]
        for action in self._actions:
            known += map(str, action.choices or ())
        words = re.findall(r"invalid choice: '([^']*)'", message)
        words += [word.partition("=")[0] for word in self._words if word.startswith("--")]
        near = (difflib.get_close_matches(word, known, 1) for word in words if word not in known)
        return next((match for found in near for match in found), None)

    def parse_known_args(self, args=None, namespace=None):
        """Parse, and remember the words for `error`."""
        self._words = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def parse_args(self, args=None, namespace=None):
        """Parse; unknown arguments are reported by the sub-command that they were given to."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            parser = getattr(options, "parser", self)
            parser.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options


def fail(prog: str, error, status: int = WRONG_USAGE) -> int:
    """Print an error as one line to stderr; return the exit status."""
    print(f"{prog}: {error}", file=sys.stderr)
    return status


def parse_columns(options: argparse.Namespace) -> Columns | None:
    """Parse --columns, --case and --strip, where there are such options.

    None where none is given. Exits with status 2 where --columns is not file=NAME,label=NAME.
    """
    alike = Columns(case=getattr(options, "case", None), strip=getattr(options, "strip", False))
    if options.columns is None:
        return None if alike == Columns() else alike
    parts = dict(part.partition("=")[::2] for part in options.columns.split(","))
    if set(parts) != {"file", "label"} or not all(parts.values()):
        options.parser.error(f"--columns {options.columns}: give file=NAME,label=NAME")
    return alike._replace(**parts)
