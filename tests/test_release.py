"""A release: one version, one changelog."""

import pytest

from install.release import present, renamed
from ocr import __version__
from ocr.paths import ROOT

PACKAGE = '"""A package."""\n\n__version__ = "2.0.0"\n'
CHANGES = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n\n## 2.0.0\n\nOld.\n"


def test_the_version_is_where_a_release_looks_for_it():
    assert present((ROOT / "ocr" / "__init__.py").read_text(encoding="utf-8")) == __version__


def test_what_was_unreleased_belongs_to_the_new_version():
    package, changes = renamed(PACKAGE, CHANGES, "2.1.0")
    assert package == PACKAGE.replace("2.0.0", "2.1.0")
    assert "## Unreleased\n\n## 2.1.0\n\n### Added\n\n- A thing.\n\n## 2.0.0" in changes


@pytest.mark.parametrize(
    "changes, version, said",
    [
        (CHANGES, "2.1", "three numbers"),
        (CHANGES, "2.0.0", "later"),
        (CHANGES, "1.10.0", "later"),
        (CHANGES.replace("### Added\n\n- A thing.\n\n", ""), "2.1.0", "nothing stands"),
    ],
)
def test_a_release_is_refused_in_one_line(changes, version, said):
    with pytest.raises(ValueError, match=said):
        renamed(PACKAGE, changes, version)
