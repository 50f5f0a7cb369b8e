"""Plans as EXPLAIN tells them in JSON, written by hand."""

from typing import Any


def node(kind: str, *children: dict[str, Any], **words: Any) -> dict[str, Any]:
    told = {name.replace("_", " "): value for name, value in words.items()}
    numbers = {"Total Cost": 10.0, "Plan Rows": 1, "Plan Width": 8}
    return {"Node Type": kind} | numbers | told | ({"Plans": list(children)} if children else {})


def scan(relation: str, kind: str = "Seq Scan", alias: str | None = None, **words: Any) -> dict[str, Any]:
    return node(kind, Relation_Name=relation, Schema="public", Alias=alias or relation, **words)
