"""The clients in clients/, against the server itself; docs/calling.md, what it says to send."""

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import threading

import jinja2
import pytest
from werkzeug.serving import make_server

from ocr.paths import DATA, PACKAGE, ROOT
from ocr.serving.server import create_app
from ocr.serving.service import Service

PICTURE = PACKAGE / "serving" / "static" / "examples" / "western.png"
SCAN = DATA / "forms" / "meter" / "filled" / "1.png"
TOKEN = "a secret"


@pytest.fixture(scope="module")
def address():
    server = make_server("127.0.0.1", 0, create_app(Service(), token=TOKEN), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def python():
    spec = importlib.util.spec_from_file_location("ocr_client", ROOT / "clients" / "ocr_client.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_python_client_reads_paths_and_bytes(address, python):
    client = python.Client(address + "/", TOKEN)
    images = [PICTURE, PICTURE.read_bytes(), b"no image"]
    first, second, refused = client.read(images, reader="numbers", pattern="dd/dd/dddd", top=2)
    assert first["text"] == second["text"] == "12/03/2024"
    assert (first["name"], second["name"]) == ("western.png", "image")
    assert first["trusted"] and len(first["alternatives"]) == 2 and len(first["spans"]) == 10
    assert "text" not in refused and "not an image" in refused["problem"]


@pytest.mark.slow
def test_the_python_client_reads_forms_and_says_why_not(address, python):
    page = python.Client(address, TOKEN).read_form("meter", SCAN)
    assert page["form"] == "meter" and len(page["fields"]) == 11
    with pytest.raises(python.OcrError, match="there are arabic, meter") as caught:
        python.Client(address, TOKEN).read_form("none", SCAN)
    assert caught.value.status == 404
    with pytest.raises(python.OcrError, match="401"):
        python.Client(address, "wrong").read([PICTURE])


NODE = """
import { readFileSync } from "node:fs";
import { Client } from %(module)s;
const blob = new Blob([readFileSync(%(picture)s)]);
const client = new Client({ address: %(address)s, token: %(token)s });
const readings = await client.read([blob], { reader: "numbers", pattern: "dd/dd/dddd" });
const refused = await client.readForm("none", blob).catch((error) => [error.status, error.message]);
console.log(JSON.stringify([readings, refused]));
"""


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("node"), reason="no node")
def test_the_javascript_client_reads_and_says_why_not(address):
    given = {"module": (ROOT / "clients" / "ocr-client.mjs").as_uri(), "picture": str(PICTURE)}
    given |= {"address": address, "token": TOKEN}
    script = NODE % {name: json.dumps(value) for name, value in given.items()}
    command = ["node", "--input-type=module", "--eval", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (reading,), (status, message) = json.loads(done.stdout)
    assert reading["text"] == "12/03/2024" and len(reading["spans"]) == 10
    assert status == 404 and "there are arabic, meter" in message


# --- docs/calling.md ------------------------------------------------------------------------------


def blocks(language: str) -> list[str]:
    page = (ROOT / "docs" / "calling.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def run(command: str, address: str):
    """Run a command of the page on an example, in place of the picture and server that it names."""
    words = shlex.split(command.replace("http://127.0.0.1:8000", address))
    words = [re.sub(r"@.*meter\.jpg", f"@{PICTURE}", word) for word in words]
    words += ["--header", f"Authorization: Bearer {TOKEN}"]
    words = [word.replace("pattern=dddddd", "pattern=dd/dd/dddd") for word in words]
    return json.loads(subprocess.run(words, capture_output=True, check=True, timeout=120).stdout)


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_the_commands_of_the_page_read(address):
    (command,) = blocks("sh")
    (reading,) = run(command, address)
    assert reading["text"] == "12/03/2024"


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_the_sensor_keeps_its_value_where_a_reading_is_not_trusted(address):
    yaml = pytest.importorskip("yaml")
    (page,) = blocks("yaml")
    (one,) = yaml.safe_load(page)["command_line"]
    sensor = one["sensor"]
    (reading,) = run(sensor["command"], address)
    template = jinja2.Template(sensor["value_template"])
    refused = {"status": 422, "detail": "not an image"}
    for answer, shown in (
        ([reading], "12/03/2024"),
        ([reading | {"trusted": False}], "before"),
        ([{"name": "meter.jpg", "problem": "not an image"}], "before"),
        (refused, "before"),
    ):
        said = template.render(value_json=answer, states=lambda name: "before")
        assert said.strip() == shown


def test_the_node_of_n8n_sends_what_the_server_takes():
    (node,) = json.loads(blocks("json")[0])["nodes"]
    (part,) = node["parameters"]["bodyParameters"]["parameters"]
    assert part["name"] == "file" and node["parameters"]["url"].endswith("/api/read")
