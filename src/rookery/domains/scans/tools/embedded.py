"""The tool `embedded`: templates, run by Rookery's own engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rookery import __version__
from rookery.domains.scans.tools.contract import Availability, ToolJob

if TYPE_CHECKING:
    from rookery.base.config import Scan as Limits
    from rookery.domains.scans.runner import TemplateRunner


class Embedded:
    """The engine that comes with Rookery; always there."""

    name = "embedded"

    def available(self, _limits: Limits, /) -> Availability:
        """As old as Rookery itself."""
        return Availability(version=__version__)

    def runner(self, job: ToolJob, /, **options: Any) -> TemplateRunner:
        """Templates over the network, every address checked when it is dialled."""
        from rookery.domains.scans.runner import TemplateRunner  # the engine takes 0.1 s to import

        return TemplateRunner(
            job.plan,
            job.scope,
            job.limits,
            data_dir=job.data_dir,
            policy=job.policy,
            texts=job.texts,
            **options,
        )
