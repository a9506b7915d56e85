"""The Compose file: what it passes on, and what its containers may not do."""

import re

import pytest

from ocr.paths import ROOT
from ocr.serving.settings import Settings

yaml = pytest.importorskip("yaml")
SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]


def environment(**given: str) -> dict[str, str]:
    """Fill the server's environment in from these variables, as Compose does."""
    filled = {}
    for name, value in SERVICES["ocr"]["environment"].items():
        if value is None:  # passed on where it is set
            filled |= {name: given[name]} if name in given else {}
            continue
        value = re.sub(r"\$\{(\w+):-\}", lambda found: given.get(found[1], ""), value)
        filled[name] = re.sub(
            r"\$\{(\w+):\+(\w*)\}", lambda found: found[2] if given.get(found[1]) else "", value
        )
    return filled


def test_alone_the_server_asks_for_no_token_and_trusts_no_proxy():
    settings = Settings.read(environment())
    assert (settings.token, settings.hosts, settings.proxies) == ("", frozenset(), 0)


def test_behind_the_proxy_it_has_a_name_and_a_token():
    settings = Settings.read(environment(OCR_SITE="ocr.example.org", OCR_TOKEN="a secret"))
    assert settings.token == "a secret" and settings.proxies == 1
    assert settings.knows_host("ocr.example.org") and not settings.knows_host("other.example.org")
    caddy = (ROOT / "install" / "Caddyfile").read_text(encoding="utf-8")
    assert "{$OCR_SITE} {" in caddy and "reverse_proxy ocr:8000" in caddy


@pytest.mark.parametrize("name", SERVICES)
def test_containers_have_no_privileges_and_write_nowhere(name):
    service = SERVICES[name]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] and service["mem_limit"]
    assert name == "ocr" or service["profiles"] == ["tls"]
