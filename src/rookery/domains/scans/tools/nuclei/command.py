"""How nuclei is called: its arguments and its environment. Pure, but for reading which resolvers there are.

Whatever runs code, opens a browser, calls third parties or updates itself is off; so is what speaks a
protocol that the gate cannot hold to the scope.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rookery.base.config import Scan as Limits
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.tools.nuclei.manners import flags
from rookery.domains.scans.tools.nuclei.parts import size_of_parts
from rookery.domains.scans.tools.programs import PASSED_ON
from rookery.domains.templates import EXCLUDED_TAGS, Selector

STATS_EVERY = 1  # second
KEPT_RESPONSE = 32_768  # bytes of a response, as findings keep them
PROTOCOLS = (
    *("code", "dns", "file", "headless", "http", "javascript"),
    *("ssl", "tcp", "websocket", "whois", "workflow"),
)
RESOLVERS = Path("/etc/resolv.conf")
TARGETS, SERVERS, TEMPLATES = "targets.txt", "resolvers.txt", "templates.txt"


def arguments(
    program: str,
    plan: ScanPlan,
    limits: Limits,
    *,
    protocols: Collection[str] = ("http",),
    signed_only: bool = False,
) -> list[str]:
    """The command line, without the gate; it is run in the folder that `write_files` has filled.

    `protocols` are those that templates may have. With `signed_only` it runs what nuclei itself finds signed,
    and it knows its own key alone.
    """
    return [
        program,
        *("-list", TARGETS, "-no-stdin", "-no-httpx"),
        f"-templates={TEMPLATES}",
        *_selecting(plan.wanted, protocols),
        *(("-disable-unsigned-templates",) if signed_only else ()),
        *("-jsonl", "-no-color", "-omit-template", "-response-size-save", str(KEPT_RESPONSE)),
        *("-matcher-status", "-verbose", "-disable-clustering", "-no-mhe"),  # see covering.py
        *("-disable-update-check", "-no-interactsh"),
        *flags(limits, size_of_parts(len(plan.endpoints), limits.nuclei_targets)),
        *("-stats-json", "-stats-interval", str(STATS_EVERY)),
        *("-resolvers", SERVERS),
    ]


def _selecting(wanted: Selector, protocols: Collection[str]) -> Iterator[str]:
    """The flags that select templates: a Selector speaks in nuclei's words."""
    words: dict[str, Iterable[object]] = {
        "-template-id": wanted.ids,
        "-exclude-id": wanted.exclude_ids,
        "-tags": wanted.tags,
        "-exclude-tags": sorted({*EXCLUDED_TAGS, *wanted.exclude_tags}),
        "-include-tags": wanted.include_tags,
        "-author": wanted.authors,
        "-severity": wanted.severities,
        "-exclude-severity": wanted.exclude_severities,
        "-type": wanted.protocols,
        "-exclude-type": sorted(({*PROTOCOLS} - {*protocols}) | {*wanted.exclude_protocols}),
        "-exclude-templates": wanted.exclude_templates,
    }
    for flag, values in words.items():
        if joined := ",".join(map(str, values)):
            yield f"{flag}={joined}"


def environment(home: Path | str, outer: Mapping[str, str], *, memory: int = 0) -> dict[str, str]:
    """The environment: its own home and temporary folder, nothing that is set for another nuclei.

    Of the `memory` that it may have, in megabytes, its heap is to have three quarters: it is counted as what
    is used, and the limit itself as what is asked for.
    """
    home = str(home)
    kept = {name: outer[name] for name in PASSED_ON if name in outer}
    heap = {"GOMEMLIMIT": f"{memory * 3 // 4}MiB"} if memory else {}
    return (
        kept
        | heap
        | {
            "HOME": home,
            "TMPDIR": home,
            "XDG_CONFIG_HOME": f"{home}/config",
            "XDG_CACHE_HOME": f"{home}/cache",
            "NUCLEI_CONFIG_DIR": f"{home}/nuclei",
            "NUCLEI_TEMPLATES_DIR": f"{home}/templates",
            "DISABLE_NUCLEI_TEMPLATES_PUBLIC_DOWNLOAD": "true",
            "DISABLE_CLOUD_UPLOAD": "true",
            "DISABLE_CLOUD_UPLOAD_WRN": "true",
        }
    )


def proxies(url: str) -> dict[str, str]:
    """The environment that leads to the gate what does not hear of `-proxy`: nuclei's second HTTP client."""
    return dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), url)


def write_files(
    folder: Path, targets: Iterable[str], templates: Iterable[str], name_servers: Sequence[str]
) -> None:
    """Write what nuclei reads: targets, templates, name servers, and nothing to be ignored."""
    servers = resolvers(name_servers)
    for name, lines in ((TARGETS, targets), (TEMPLATES, templates), (SERVERS, servers)):
        text = "".join(f"{line}\n" for line in lines)
        (folder / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    (folder / "nuclei").mkdir()
    (folder / "nuclei" / ".nuclei-ignore").write_text("tags: []\nfiles: []\n")


def resolvers(configured: Sequence[str] = (), system: Path = RESOLVERS) -> list[str]:
    """The name servers: without any, nuclei asks public ones about its targets."""
    from rookery.mechanisms.transport.resolver import parse_resolver  # loads the engine, which is slow

    places = map(parse_resolver, configured or _of_this_machine(system))
    return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in places]


def _of_this_machine(system: Path) -> list[str]:
    try:
        lines = system.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    servers = [words[1] for line in lines if len(words := line.split()) > 1 and words[0] == "nameserver"]
    return servers or ["127.0.0.1"]
