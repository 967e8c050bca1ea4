"""What can be wrong with an API's document, and with the form that completes it."""

from __future__ import annotations

from rookery.base.errors import Invalid


class BadApiDocument(Invalid):
    """That is not an OpenAPI document that can be read."""


class BadForm(Invalid):
    """That is not a form of missing parameters."""
