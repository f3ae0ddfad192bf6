"""Text of a specification to nested mappings and back, in TOML or YAML, with the line of every key.

What the keys mean is in `spec_reader`.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

from analysis.errors import DataError, Fault
from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SYNTAXES", "Document", "Path", "read_text", "syntax_of", "write_text"]

Path = tuple[str | int, ...]
SYNTAXES = ("toml", "yaml")
_MOST_NODES, _DEEPEST = 10_000, 20
# What the base loader gives where no tag is written.
_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str")}
_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\"' -]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*(?:([A-Za-z0-9_-]+)|\"([^\"]*)\"|'([^']*)')\s*=")
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)| \(at end of document\)")
# What YAML 1.2 reads as something other than text. The older rules would take 010 for 8, 1:30 for 90 and no
# for false.
_PLAIN = (
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
)
_NOTHING = {"", "~", "null", "Null", "NULL"}


class Document(NamedTuple):
    """What a text says, and the line on which each key stands (paths count list entries from 1)."""

    content: dict[str, Any]
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int | None:
        """Return the line of a key, or of the nearest section around it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None


def syntax_of(name: str, syntax: str | None) -> str:
    """Return "toml" or "yaml": what is asked for, or what the ending of the name says."""
    if syntax is not None:
        return check_choice("syntax", syntax, SYNTAXES)
    return "yaml" if name.lower().endswith((".yaml", ".yml")) else "toml"


def read_text(text: str, *, name: str, syntax: str) -> Document:
    """Read a text.

    Raises
    ------
    DataError
        If the text is not of that syntax or states a key twice; names the line.
    """
    # Some editors begin a file with a mark of its byte order.
    text = text.removeprefix("\ufeff")
    return _read_toml(text, name) if syntax == "toml" else _Yaml(name).read(text)


def _read_toml(text: str, name: str) -> Document:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        raise DataError(
            [Fault(file=name, line=line, rule=f"must be TOML: {_PLACE.sub('', message)}")]
        ) from None
    return Document(content, _toml_lines(text))


def _toml_lines(text: str) -> dict[Path, int]:
    """Find the keys line by line: the parser of the standard library does not say where they stand."""
    lines: dict[Path, int] = {}
    section: Path = ()
    count: dict[str, int] = {}
    quotes = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if quotes:
            quotes = "" if quotes in line else quotes
            continue
        header, key = _HEADER.match(line), _KEY.match(line)
        if header and not key:
            title = header[2].strip("\"' ")
            section = (title,)
            if header[1] == "[[":
                count[title] = count.get(title, 0) + 1
                section = (title, count[title])
                lines.setdefault((title,), number)
            lines.setdefault(section, number)
        elif key:
            lines.setdefault((*section, next(part for part in key.groups() if part is not None)), number)
        # A text of several lines holds no keys.
        quotes = next((mark for mark in ('"""', "'''") if line.count(mark) == 1), "")
    return lines


class _Yaml:
    """Builds a document from YAML's nodes, which know their lines; keys and values are checked on the way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.faults: list[Fault] = []
        self.lines: dict[Path, int] = {}
        self.nodes = 0

    def read(self, text: str) -> Document:
        import yaml

        try:
            # The base loader leaves every scalar as text and builds nothing: no tag can run anything.
            root = yaml.compose(text, Loader=yaml.BaseLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or str(error).splitlines()[0]
            line = mark.line + 1 if mark else None
            raise DataError([Fault(file=self.name, line=line, rule=f"must be YAML: {problem}")]) from None
        content = {} if root is None else self._value(root, ())
        if not self.faults and not isinstance(content, dict):
            self._fault(root, "must hold keys with values, such as seed: 2026")
        if self.faults:
            raise DataError(self.faults)
        return Document(content, self.lines)

    def _fault(self, node: Any, rule: str, value: str | None = None) -> None:  # noqa: ANN401 -- no types
        line = node.start_mark.line + 1
        self.faults.append(Fault(file=self.name, line=line, rule=rule, value=value))

    def _value(self, node: Any, path: Path) -> Any:  # noqa: ANN401 -- whatever the text holds
        self.nodes += 1
        if self.nodes > _MOST_NODES:
            self._fault(node, f"must hold at most {_MOST_NODES} values; aliases (*name) count each time")
            raise DataError(self.faults)
        if len(path) > _DEEPEST:
            self._fault(node, f"must be nested at most {_DEEPEST} deep")
            raise DataError(self.faults)
        if node.tag not in _TAGS:
            self._fault(node, "must hold text, numbers, lists and keys alone", node.tag)
            return None
        if node.id == "mapping":
            return self._mapping(node, path)
        if node.id == "sequence":
            parts = []
            for number, part in enumerate(node.value, start=1):
                self.lines.setdefault((*path, number), part.start_mark.line + 1)
                if node.flow_style and part.id == "scalar" and part.style is None:
                    self._check_whole(part)
                parts.append(self._value(part, (*path, number)))
            return parts
        return self._scalar(node, path)

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:  # noqa: ANN401
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.id != "scalar":
                self._fault(key_node, "must have words as keys")
                continue
            key = str(key_node.value)
            place = (*path, key)
            if key in result:
                first = self.lines[place]
                self._fault(key_node, f"key `{key}` must be stated once; it stands on line {first} too")
                continue
            self.lines[place] = key_node.start_mark.line + 1
            result[key] = self._value(value_node, place)
        return result

    def _check_whole(self, node: Any) -> None:  # noqa: ANN401
        """Refuse half a distribution: a comma within [ ] ends an entry."""
        if node.value.count("(") > node.value.count(")"):
            self._fault(node, "text with a comma must stand in quotes within [ ]", node.value)

    def _scalar(self, node: Any, path: Path) -> Any:  # noqa: ANN401
        if node.style is not None:  # in quotes: text, whatever it looks like
            return node.value
        if node.value in _NOTHING:
            label = f"key `{path[-1]}` " if path else ""
            self._fault(node, f"{label}must have a value, but has none; leave the key out")
            return None
        for pattern, kind in _PLAIN:
            if pattern.fullmatch(node.value):
                return kind(node.value)
        return node.value


def write_text(content: Mapping[str, Any], *, syntax: str) -> str:
    """Return the text of options, sections and a list `bias`, in the order in which they are given."""
    lines = []
    for key, value in content.items():
        if isinstance(value, dict):
            lines += ["", f"[{key}]"] if syntax == "toml" else [f"{key}:"]
            indent, sign = ("", " = ") if syntax == "toml" else ("  ", ": ")
            lines += [f"{indent}{name}{sign}{_text(part)}" for name, part in value.items()]
        elif key == "bias":
            lines += [] if syntax == "toml" else ["bias:"]
            for entry in value:
                lines += _entry(entry, syntax)
        else:
            lines.append(f"{key} = {_text(value)}" if syntax == "toml" else f"{key}: {_text(value)}")
    return "\n".join(lines) + "\n"


def _entry(entry: Mapping[str, Any], syntax: str) -> list[str]:
    if syntax == "toml":
        return ["", "[[bias]]", *(f"{name} = {_text(part)}" for name, part in entry.items())]
    starts = ["  - ", *["    "] * (len(entry) - 1)]
    return [
        f"{start}{name}: {_text(part)}" for start, (name, part) in zip(starts, entry.items(), strict=True)
    ]


def _text(value: Any) -> str:  # noqa: ANN401 -- text, number or list of them
    if isinstance(value, str):
        # The escapes of JSON are those of TOML and YAML, but for the control character 127.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_text, value))}]"
    text = repr(value)
    # Older YAML takes 1e-05 for text.
    return text.replace("e", ".0e") if "e" in text and "." not in text else text
