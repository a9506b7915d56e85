"""Test the API against its own OpenAPI document: requests made up from it, by schemathesis."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ocr.serving import server
from ocr.serving.openapi import document
from ocr.serving.service import Service

SERVICE = Service()
UNREADABLE = [positive_data_acceptance]  # made-up bytes are refused: they are no picture


def load(token):
    return schemathesis.openapi.from_wsgi("/openapi.json", server.create_app(SERVICE, token=token))


def few(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


public, protected = load(""), load("a-token")


@pytest.mark.parametrize("token", [False, True])
def test_the_document_is_valid(token):
    validate(document(["captcha", "numbers"], token))


@pytest.mark.slow
@public.parametrize()
@few(60)
def test_answers_follow_the_document(case):
    case.call_and_validate(excluded_checks=UNREADABLE)


@pytest.mark.slow
@protected.parametrize()
@few(20)
def test_answers_with_a_token_follow_the_document(case):
    headers = {"Authorization": "Bearer a-token"}
    case.call_and_validate(excluded_checks=UNREADABLE, headers=headers)
