"""The form: what a person has to say about an API before all of its operations can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rookery.domains.scans.openapi.document import read_document
from rookery.domains.scans.openapi.errors import BadApiDocument, BadForm
from rookery.domains.scans.openapi.operations import Operation
from rookery.domains.scans.openapi.parameters import Parameter, text_of

HEAD = "# Values that the document does not have. Fill them in, and run the same command again.\n"


class Filling:
    """Values for parameters: those given by name for all operations win over those of a form."""

    def __init__(
        self, by_name: Mapping[str, str] | None = None, form: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self.by_name = dict(by_name or {})
        self.form = dict(form or {})

    def values(self, operation: Operation) -> dict[str, str]:
        """The values for one operation."""
        return {**self.form.get(operation.key, {}), **self.by_name}


def read_form(data: bytes, source: str) -> dict[str, dict[str, str]]:
    """The values of a filled-in form, by operation and parameter; places left empty are left out."""
    try:
        document = read_document(data, source)
    except BadApiDocument as error:
        raise BadForm(str(error)) from None
    form: dict[str, dict[str, str]] = {}
    for key, values in document.items():
        if not isinstance(values, dict):
            raise BadForm(f"{source}: below {str(key)[:80]!r} there must be parameters and their values.")
        texts = {str(name): text_of(value) for name, value in values.items()}
        form[str(key)] = {name: text for name, text in texts.items() if text}
    return form


def form_text(incomplete: Iterable[tuple[Operation, Iterable[Parameter]]]) -> str:
    """A form for these operations and what each lacks, as YAML."""
    lines = [HEAD]
    for operation, missing in incomplete:
        lines.append(f"{_quoted(operation.key)}:\n")
        lines += [f"  {_quoted(each.name)}: {_remark(each)}\n" for each in missing]
    return "".join(lines)


def _remark(parameter: Parameter) -> str:
    return f" # {parameter.place}" + (f", {parameter.hint}" if parameter.hint else "")


def _quoted(text: Any) -> str:
    """A YAML string that holds any text on one line: JSON's spelling is YAML's, too."""
    import msgspec

    return msgspec.json.encode(str(text)).decode()
