"""OpenAPI documents (3.x, and 2.0 as Swagger had it): each operation is an endpoint to scan. Pure.

document.py reads the bytes, references.py follows `$ref`, parameters.py finds the values, operations.py puts
them together, forms.py asks a person for what is missing. The document is untrusted: its size, nesting and
numbers are bounded, and no reference out of it is followed.
"""

from __future__ import annotations

from rookery.domains.scans.openapi.document import read_document
from rookery.domains.scans.openapi.errors import BadApiDocument, BadForm
from rookery.domains.scans.openapi.forms import Filling, form_text, read_form
from rookery.domains.scans.openapi.operations import Api, Operation, read_api
from rookery.domains.scans.openapi.parameters import Parameter

__all__ = [
    "Api",
    "BadApiDocument",
    "BadForm",
    "Filling",
    "Operation",
    "Parameter",
    "form_text",
    "read_api",
    "read_document",
    "read_form",
]
