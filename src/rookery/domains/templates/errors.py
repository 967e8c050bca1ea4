"""What can go wrong with templates. A file that is no template is the engine's TemplateError.

NotFound
└── TemplatesNotFound     no such file or folder
Invalid
└── NoTemplates           there are files, but none that can be run
"""

from __future__ import annotations

from rookery.base.errors import Invalid, NotFound


class TemplatesNotFound(NotFound):
    """There is no such template file or folder."""


class NoTemplates(Invalid):
    """None of the templates can be run."""
