"""The API against its own OpenAPI document, by schemathesis: valid and invalid requests made up from it."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ocr.serving import server
from ocr.serving.openapi import document
from ocr.serving.service import Service

schema = schemathesis.openapi.from_wsgi("/openapi.json", server.create_app(Service(), token=""))
closed = schemathesis.openapi.from_wsgi(
    "/openapi.json", server.create_app(Service(), token="a-token")
)


def test_the_document_is_valid():
    for token in (False, True):
        validate(document(["captcha", "numbers"], token))


@schema.parametrize()
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_answers_are_as_the_document_says(case):
    case.call_and_validate(
        excluded_checks=[positive_data_acceptance]
    )  # made-up bytes are no picture


@closed.parametrize()
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_so_are_those_of_a_server_with_a_token(case):
    case.call_and_validate(
        excluded_checks=[positive_data_acceptance], headers={"Authorization": "Bearer a-token"}
    )
