"""Everything that is installed is pinned with hashes, and asks nobody for news."""

import re

import pytest

import utils

PIN = re.compile(r"^([a-z0-9-]+)==([^\s;]+)", re.MULTILINE)
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def pins(file):
    return dict(PIN.findall((utils.ROOT / file).read_text(encoding="utf-8")))


@pytest.mark.parametrize("lock", ["all", "serve", "build"])
def test_locks_have_hashes_and_no_address(lock):
    text = (utils.ROOT / f"locks/{lock}.txt").read_text(encoding="utf-8")
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
    for entry in entries:
        first, *hashes = entry.rstrip().split("\n")
        assert PIN.match(first) and hashes and all(map(HASH.match, hashes)), first
    assert "//" not in text


def test_locks_agree_with_the_pins():
    listed, locked = pins("requirements.txt"), pins("locks/all.txt")
    wrong = {name: version for name, version in listed.items() if locked.get(name) != version}
    assert not wrong, f"run `make lock`: {wrong}"
    for lock in ("serve", "build"):
        rest = set(pins(f"locks/{lock}.txt").items()) - set(locked.items())
        assert not rest, f"run `make lock`: {rest}"


def test_the_server_needs_few_packages():
    """And all are listed, but those of Windows: requirements.txt constrains smaller installs."""
    assert set(pins("locks/serve.txt")) - {"colorama"} <= set(pins("requirements.txt"))


def test_jupyterlab_asks_nobody_for_news():
    loader = pytest.importorskip("traitlets.config.loader")
    config = loader.PyFileConfigLoader("jupyter_lab_config.py", str(utils.ROOT)).load_config()
    assert config.LabApp.news_url is None
    assert config.LabApp.check_for_updates_class == "jupyterlab.NeverCheckForUpdate"
