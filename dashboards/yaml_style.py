"""One way to write an asset down: whatever fits on a line stands on one line, everything else is indented."""

from __future__ import annotations

import io
from typing import Any

import yaml

WIDTH = 118


def to_text(asset: dict[str, Any]) -> str:
    """The asset as YAML, in the order of its keys."""
    dumper = _Dumper(io.StringIO(), sort_keys=False)
    node = dumper.represent_data(asset)
    _fold(node, indent=0)
    assert isinstance(node, yaml.CollectionNode)
    node.flow_style = False
    return yaml.serialize(node, Dumper=_Dumper, width=10_000, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Indents lists under their key, writes text of several lines as a block, and uses no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def _fold(node: yaml.Node, indent: int) -> int:
    """Choose the style of every collection below; returns how long the node is on one line."""
    if isinstance(node, yaml.ScalarNode):
        return WIDTH if node.style == "|" else len(node.value) + 2
    assert isinstance(node, yaml.CollectionNode)
    parts: list[tuple[int, yaml.Node]] = (
        [(len(key.value) + 2, value) for key, value in node.value]
        if isinstance(node, yaml.MappingNode)
        else [(0, value) for value in node.value]
    )
    length = 2 + sum(key + _fold(value, indent + 2) + 2 for key, value in parts)
    node.flow_style = indent + length <= WIDTH
    return length
