"""The command line: `ocr VERB ...`, one module a verb.

A verb is a module here with two functions: `add_parser(verbs)` adds and returns its parser, and
`run(options)` does the work and returns the exit status.
"""

import os
import sys
from importlib import import_module
from pkgutil import iter_modules

from ocr import __version__
from ocr.cli.parser import Parser


def verbs() -> list[str]:
    """List the verbs: the modules of this folder that add a parser."""
    return [one.name for one in iter_modules(__path__) if not one.ispkg and one.name != "parser"]


def build_parser() -> Parser:
    """Build the parser of `ocr` with one sub-command a verb."""
    parser = Parser(
        prog="ocr",
        description="Read text in images with small trained networks, train them, serve them.",
        epilog="examples:\n  ocr read picture.png\n  ocr train captcha --data FOLDER --name mine",
    )
    parser.add_argument("--version", action="version", version=f"ocr-readers {__version__}")
    commands = parser.add_subparsers(metavar="VERB", title="verbs")
    for verb in verbs():
        module = import_module(f"ocr.cli.{verb}")
        added = module.add_parser(commands)
        added.set_defaults(run=module.run, parser=added)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run `ocr` with these arguments (default: the process's); return the exit status."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help()
        return 0
    try:
        return options.run(options)
    except BrokenPipeError:  # whoever reads our output, `head` for one, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
