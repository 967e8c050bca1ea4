"""The file protocol: which files a block looks at, and whether by line or as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from rookery.mechanisms.engine.asks import LARGEST_FILE, Answer, Ask, FileAnswer, FileAsk
from rookery.mechanisms.engine.blockschema import read_block
from rookery.mechanisms.engine.dsl.values import Value
from rookery.mechanisms.engine.errors import UnsupportedTemplate
from rookery.mechanisms.engine.keywords import BLOCK_KEYS
from rookery.mechanisms.engine.latin import narrow
from rookery.mechanisms.engine.model import BlockSpec
from rookery.mechanisms.engine.names import names
from rookery.mechanisms.engine.protocols.block import TableParts
from rookery.mechanisms.engine.protocols.sieve import Look, may_match
from rookery.mechanisms.engine.reader import Reader
from rookery.mechanisms.engine.render import Text
from rookery.mechanisms.engine.values import Values

KEYS = BLOCK_KEYS | names("extensions denylist max-size archive mime-type no-recursive")
REFUSED = {
    "archive": "archives are not looked into",
    "mime-type": "files are not told apart by MIME type",
    "no-recursive": "no-recursive is not run: every file below a folder is a target of its own",
}
DENIED = names(
    ".3g2 .3gp .arj .avi .axd .bmp .css .csv .deb .dll .doc .drv .eot .exe .flv .gif .gifv .h264 .ico .iso"
    " .jar .jpeg .jpg .lock .m4a .m4v .map .mkv .mov .mp3 .mp4 .mpeg .mpg .msi .ogg .ogm .ogv .otf .pdf .pkg"
    " .png .ppt .psd .rm .rpm .svg .swf .sys .tif .tiff .ttf .vob .wav .webm .wmv .woff .woff2 .xcf .xls"
    " .xlsx .7z .apk .gz .rar .tar.gz .tar .zip"
)
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}


@dataclass(frozen=True, slots=True)
class FileSpec(BlockSpec):
    """One `file` block. `extensions` have their dot; `by_line` unless anything is combined with and."""

    protocol = "file"
    extensions: frozenset[str] = frozenset()
    all_extensions: bool = False
    denied: frozenset[str] = DENIED
    most: int = LARGEST_FILE

    @property
    def by_line(self) -> bool:
        """Whether each line is looked at for itself."""
        return not self.matchers_and and not any(matcher.is_and for matcher in self.matchers)


def read_file(block: Reader) -> FileSpec:
    """A `file` block as it was written."""
    block.refuse_unknown_keys(KEYS)
    for key, reason in REFUSED.items():
        if block.flag(key):
            raise UnsupportedTemplate(reason, path=block.path)
    words = block.texts("extensions")
    common = read_block(block)
    if not common["matchers"] and not common["extractors"]:
        raise block.error("the file block needs 'matchers' or 'extractors'")
    denied = block.texts("denylist")
    return FileSpec(
        **common,
        extensions=frozenset(f".{word.removeprefix('.')}" for word in words if word != "all"),
        all_extensions="all" in words,
        denied=DENIED.union(denied, (str(PurePosixPath(item)) for item in denied)),
        most=_largest(block),
    )


def _largest(block: Reader) -> int:
    text = block.text("max-size").strip()
    size = SIZE.fullmatch(text)
    if text in ("", "no"):
        return LARGEST_FILE
    if size is None:
        raise block.error(f"'max-size' must be a size such as 5Mb, not {text[:40]!r}", "max-size")
    return min(int(float(size[1]) * UNITS[size[2].lower()]), LARGEST_FILE)


@dataclass(frozen=True, slots=True)
class FilePlan:
    """A compiled `file` block."""

    spec: FileSpec
    may_match: Look | None = None

    most_asks = 1
    any_will_do = False

    @property
    def texts(self) -> tuple[Text, ...]:
        """It renders none."""
        return ()

    def asks(self, values: Values) -> Iterator[Ask]:
        """The file, if it is of a kind that the block looks at."""
        if self.wants(values.target.url):
            yield FileAsk(values.target.url, self.spec.most)

    def wants(self, path: str) -> bool:
        """Whether it looks at a file of this name. A listed extension counts more than the deny list."""
        name = path.rpartition("/")[2]
        extension = f".{name.rpartition('.')[2]}" if "." in name else ""
        if self.spec.extensions and extension in self.spec.extensions:
            return True
        if self.spec.extensions and not self.spec.all_extensions:
            return False
        return self.spec.denied.isdisjoint((extension, name, path, *_folders(path)))

    def parts(self, ask: Ask, answer: Answer) -> Iterator[TableParts]:
        """Each line, or the whole."""
        assert isinstance(ask, FileAsk)  # noqa: S101 -- its own ask
        assert isinstance(answer, FileAnswer)  # noqa: S101 -- the answer to a FileAsk
        text = answer.data.decode("latin-1")
        if self.may_match and not self.may_match(text.replace("\r\n", "\n")):
            return
        for piece in lines_of(text) if self.spec.by_line else (text,):
            yield _parts(narrow(ask.name), piece)


def lines_of(text: str) -> Iterator[str]:
    """The lines as Go's scanner gives them: without their end, a last empty one left out."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start : end - 1] if text[start:end].endswith("\r") else text[start:end]
        start = end + 1


def _folders(path: str) -> list[str]:
    """Every folder on the way to a file, by its path from either end: a/b of a/b/c/x, and b/c."""
    steps = [step for step in path.split("/")[:-1] if step]
    spans = [(start, end) for start in range(len(steps)) for end in range(start + 1, len(steps) + 1)]
    return ["/".join(steps[start:end]) for start, end in spans[:500]]


def _parts(path: str, text: str) -> TableParts:
    table: dict[str, Value] = {
        **dict.fromkeys(("raw", "response", "body", "all", "data"), text),
        "path": path,
        "matched": path,
        "host": path,
        "type": "file",
        "request": "",
    }
    return TableParts(table, matched_at=path, asked="")


def compile_file(spec: FileSpec) -> FilePlan:
    """The plan of a block."""
    return FilePlan(spec, may_match(spec) if spec.by_line else None)
