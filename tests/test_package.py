"""The package: pins and extras, the content of its wheels, and what an installed wheel runs."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest
import tomllib
from hatchling.build import build_editable, build_wheel
from packaging.requirements import Requirement

from ocr import __version__
from ocr.drawing import fonts
from ocr.reading.contract import NO_READERS

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
READERS = ("captcha", "char_cnn", "cnn_lstm", "dual_input", "numbers")
PICTURE = ROOT / "ocr" / "serving" / "static" / "examples" / "arabic.png"
BASE = {"numpy", "onnxruntime", "pillow", "tqdm", "flatbuffers", "packaging", "protobuf"}


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line.partition("  #")[0]) for line in lines if line[:1].isalpha()]
    assert all(str(pin.specifier).startswith("==") for pin in found)
    return {pin.name: str(pin.specifier).removeprefix("==") for pin in found}


def listed(*extras: str) -> list[Requirement]:
    lines = [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    return [Requirement(line) for line in lines if not line.startswith("ocr-readers[")]


# --- pins -----------------------------------------------------------------------------------------


def test_every_requirement_has_a_pin_that_meets_it():
    required = [
        *map(Requirement, PROJECT["dependencies"]),
        *listed(*PROJECT["optional-dependencies"]),
    ]
    pinned = pins()
    assert [one.name for one in required if pinned.get(one.name, "0") not in one.specifier] == []


def test_pinned_fonts_are_the_families_that_are_drawn():
    tuples = (value for name, value in vars(fonts).items() if name.isupper())
    families = {each for value in tuples if isinstance(value, tuple) for each in value}
    names = {f"fontpkg-{family.replace('_', '-')}" for family in families}
    assert {one.name for one in listed("fonts")} == names
    assert {name for name in pins() if name.startswith("fontpkg-")} == names


# --- wheels ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    """What .dockerignore lets through, with readers beside the shipped ones that stay at home."""
    folder = tmp_path_factory.mktemp("context")
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line.startswith("!"):
            source, target = ROOT / line[1:], folder / line[1:]
            if source.is_dir():
                ignored = shutil.ignore_patterns("quick", "__pycache__")
                shutil.copytree(source, target, ignore=ignored)
            else:
                shutil.copy(source, target)
    for name in ("mine", "quick/captcha"):
        shutil.copytree(ROOT / "models" / "captcha", folder / "models" / name, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def wheel(context, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(context)
        return folder / build_wheel(str(folder))


def contents(wheel) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_wheel_holds_the_library_and_the_shipped_readers_alone(wheel):
    names = contents(wheel)
    assert {name.split("/")[0] for name in names} == {"ocr", f"ocr_readers-{__version__}.dist-info"}
    models = {name.removeprefix("ocr/models/") for name in names if "/models/" in name}
    assert {name.split("/")[0] for name in models} == {*READERS, *NO_READERS}
    assert {Path(name).name for name in models} == {"reader.json", "model.onnx"}
    assert {f"{reader}/reader.json" for reader in READERS} <= models
    assert not [name for name in names if name.endswith((".pth", ".pyc", ".keras"))]


def test_wheel_holds_the_files_of_the_page(wheel):
    room = ROOT / "ocr" / "serving"
    files = [file for name in ("static", "templates") for file in (room / name).rglob("*.*")]
    assert {file.relative_to(ROOT).as_posix() for file in files} <= contents(wheel)


def test_wheel_refuses_old_pythons(wheel):
    metadata = zipfile.ZipFile(wheel).read(f"ocr_readers-{__version__}.dist-info/METADATA").decode()
    assert "Requires-Python: >=3.10\n" in metadata
    assert f"Version: {__version__}\n" in metadata


def test_editable_install_brings_the_runipy_support(context, tmp_path, monkeypatch):
    monkeypatch.chdir(context)
    names = contents(tmp_path / build_editable(str(tmp_path)))
    assert {name for name in names if ".dist-info/" not in name} == {
        "_ocr_readers.pth",
        "ocr_runipy.pth",
        "ocr_runipy.py",
    }


# --- installed wheels -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def install(wheel, tmp_path_factory):
    """Return a function that installs the wheel with some extras into a new environment.

    The test is skipped where no package index can be reached.
    """

    def installed(extras: str = "") -> Path:
        folder = tmp_path_factory.mktemp("environment")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        binaries = folder / ("Scripts" if os.name == "nt" else "bin")
        pip = [binaries / "python", "-m", "pip", "--disable-pip-version-check", "install", "-q"]
        one = [*pip, "--dry-run", "--no-deps", "tqdm"]
        if subprocess.run(one, capture_output=True).returncode:
            pytest.skip("no package index can be reached")
        subprocess.run([*pip, "-c", ROOT / "requirements.txt", f"{wheel}{extras}"], check=True)
        return binaries

    return installed


def package_sizes(binaries) -> dict[str, float]:
    """Map each installed distribution to the size of its files in MiB."""
    code = """
import json
from importlib.metadata import distributions
sizes = {}
for one in distributions():
    files = [file.locate() for file in one.files or ()]
    sizes[one.name.lower()] = sum(f.stat().st_size for f in files if f.is_file()) / 2**20
print(json.dumps(sizes))
"""
    done = subprocess.run([binaries / "python", "-c", code], capture_output=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.slow
def test_base_install_is_small_and_reads(install, tmp_path):
    binaries = install()
    sizes = package_sizes(binaries)
    sizes = {name: size for name, size in sizes.items() if name not in ("pip", "setuptools")}
    assert set(sizes) == BASE | {"ocr-readers"}
    assert sum(sizes.values()) < 175, sizes
    command = [binaries / "ocr", "read", "--model", "numbers", PICTURE]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout.split("\t")[1]) == (0, "1,250.75"), done.stderr
    code = f"from ocr import Reader; print(Reader.load('numbers').read({str(PICTURE)!r}).text)"
    done = subprocess.run([binaries / "python", "-c", code], capture_output=True, cwd=tmp_path)
    assert done.stdout.decode().strip() == "1,250.75"


def _answer(url: str, data: bytes | None = None):
    with urllib.request.urlopen(url, data, timeout=10) as response:
        return response.read()


def _wait_until_healthy(url: str, server: subprocess.Popen) -> None:
    for _ in range(100):
        try:
            _answer(url)
            return
        except OSError:
            assert server.poll() is None, "the server has stopped"
            time.sleep(0.1)
    raise AssertionError("the server did not start within 10 seconds")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="gunicorn needs fork")
def test_installed_server_reads(install, tmp_path):
    """The command of the Dockerfile, in an empty folder."""
    command = json.loads(re.findall(r"^CMD (.*)$", (ROOT / "Dockerfile").read_text(), re.M)[-1])
    command[0] = install("[serve]") / Path(command[0]).name
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "OCR_BIND": f"127.0.0.1:{port}"}
    server = subprocess.Popen(command, cwd=tmp_path, env=environment)
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}/healthz", server)
        answer = _answer(f"http://127.0.0.1:{port}/api/read?reader=numbers", PICTURE.read_bytes())
    finally:
        server.terminate()
        server.wait(30)
    assert json.loads(answer)[0]["text"] == "1,250.75"


# --- commands -------------------------------------------------------------------------------------


def test_dockerfile_is_clean():
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("no hadolint for this system")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_make_names_the_pythons_it_takes(tmp_path):
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "locks", tmp_path / "locks")
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    command = ["make", f"PYTHON={old}", "ocr"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert f"Python 3.11 to 3.13 is needed, got: {old}." in done.stderr
    assert not (tmp_path / ".venv").exists()
