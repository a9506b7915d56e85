"""The command line as a whole: verbs, suggestions, versions, extras that are not installed."""

import subprocess
import sys

import pytest

import utils
from ocr import __version__
from ocr.cli import main, verbs

HIDE = """
import sys
for name in {hidden!r}:
    sys.modules[name] = None  # as if it were not installed
from ocr.cli import main
sys.exit(main({arguments!r}))
"""


def run(*arguments):
    command = [sys.executable, "-m", "ocr", *map(str, arguments)]
    return subprocess.run(command, cwd=utils.ROOT, capture_output=True, text=True)


def without(hidden, *arguments):
    program = HIDE.format(hidden=hidden, arguments=list(arguments))
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=utils.ROOT, capture_output=True, text=True)


def test_a_verb_is_a_module_with_help_and_examples(capsys):
    assert {"read", "serve", "train"} <= set(verbs())
    for verb in verbs():
        with pytest.raises(SystemExit) as ended:
            main([verb, "--help"])
        shown = capsys.readouterr().out
        assert ended.value.code == 0 and f"usage: ocr {verb}" in shown and "example" in shown


def test_a_bare_call_and_the_version(capsys):
    assert main([]) == 0 and "read" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"ocr-readers {__version__}\n"


@pytest.mark.parametrize(
    "arguments, near",
    [
        (["raed", "a.png"], "read"),
        (["read", "--modle", "numbers", "a.png"], "--model"),
        (["train", "capcha", "--data", "x", "--name", "y"], "captcha"),
        (["train", "captcha", "--data", "x", "--name", "y", "--epoch", "3"], "--epochs"),
        (["train", "captcha", "--dta", "x", "--name", "y"], "--data"),
    ],
)
def test_a_wrong_word_is_one_line_that_names_the_near_one(arguments, near, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    error = capsys.readouterr().err
    assert ended.value.code == 2 and error.count("\n") == 1 and f"did you mean {near}?" in error


def test_an_option_exists_only_where_it_means_something(capsys):
    for arguments in (["char_cnn", "--batch", "8"], ["captcha", "--labels", "hex"]):
        with pytest.raises(SystemExit) as ended:
            main(["train", *arguments, "--data", "x", "--name", "y"])
        assert ended.value.code == 2 and "unrecognized" in capsys.readouterr().err


@pytest.mark.parametrize(
    "hidden, arguments, extra",
    [
        (["keras"], ["train", "captcha", "--data", ".", "--name", "mine"], "train"),
        (["flask"], ["serve"], "serve"),
        (["distributed"], ["read", "--cluster", "local", "--out", "x", "."], "scale"),
    ],
)
def test_a_missing_extra_is_one_line_with_the_pip_command(hidden, arguments, extra):
    done = without(hidden, *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1 and f'pip install "ocr-readers[{extra}]"' in done.stderr


def test_output_that_nobody_reads_any_more_ends_quietly(drawn):
    command = f'"{sys.executable}" -m ocr read "{drawn}" "{drawn}" | head -1'
    done = subprocess.run(command, shell=True, cwd=utils.ROOT, capture_output=True, text=True)
    assert done.stdout.count("\n") == 1 and "Traceback" not in done.stderr


def test_python_m_ocr_reads(drawn):
    done = run("read", drawn)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 8
