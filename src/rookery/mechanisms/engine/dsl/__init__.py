"""The expression language of templates: compiled by our own parser to closures, never evaluated as code."""

from __future__ import annotations

from rookery.mechanisms.engine.dsl.parser import Expression, compile_expression
from rookery.mechanisms.engine.dsl.values import Lookup, Value, to_text

__all__ = ["Expression", "Lookup", "Value", "compile_expression", "to_text"]
