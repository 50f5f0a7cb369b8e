"""A node of a plan in words: what it is, under which conditions it works, what it noted while it ran (pure)."""

from collections.abc import Iterator, Mapping
from typing import Any

CONDITIONS = (
    "Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter", "One-Time Filter", "TID Cond",
    "Order By", "Sort Key", "Presorted Key", "Group Key", "Cache Key", "Function Call", "Conflict Filter",
)  # fmt: skip
COUNTED = (
    "Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck", "Heap Fetches",
    "Subplans Removed",
)  # fmt: skip


def title_of(raw: Mapping[str, Any]) -> str:
    """What EXPLAIN's text says of a node: 'Index Scan using orders_pkey on public.orders o'."""
    words = [str(raw["Node Type"])]
    if raw["Node Type"] == "Aggregate" and raw.get("Strategy") in {"Hashed", "Sorted", "Mixed"}:
        words = [{"Hashed": "HashAggregate", "Sorted": "GroupAggregate", "Mixed": "MixedAggregate"}[raw["Strategy"]]]
    if raw["Node Type"] == "ModifyTable":
        words = [str(raw.get("Operation", "ModifyTable"))]
    join = raw.get("Join Type", "Inner")
    if join != "Inner" and "Join" in words[0]:
        words[0] = words[0].replace(" Join", f" {join} Join")
    elif join != "Inner":
        words.append(f"{join} Join")
    partial = {"Partial": "Partial", "Finalize": "Finalize"}.get(str(raw.get("Partial Mode")))
    words = [*filter(None, [partial, "Parallel" if raw.get("Parallel Aware") else None]), *words]
    if index := raw.get("Index Name"):
        words += ["using" if "Relation Name" in raw else "on", str(index)]
    if target := relation_of(raw) or raw.get("Function Name") or raw.get("CTE Name"):
        alias = raw.get("Alias")
        words += ["on", str(target), *([str(alias)] if alias and alias != raw.get("Relation Name", target) else [])]
    return " ".join(words)


def relation_of(raw: Mapping[str, Any]) -> str | None:
    if "Relation Name" not in raw:
        return None
    return f"{raw['Schema']}.{raw['Relation Name']}" if raw.get("Schema") else str(raw["Relation Name"])


def details_of(raw: Mapping[str, Any]) -> list[str]:
    """What is worth a word besides conditions: how it sorted, how many workers came, what it removed."""
    told = []
    if "Workers Planned" in raw:
        came = f"{raw['Workers Launched']} of " if "Workers Launched" in raw else ""
        told.append(f"Workers: {came}{raw['Workers Planned']}")
    if "Sort Method" in raw:
        told.append(
            f"Sort: {raw['Sort Method']}, {raw.get('Sort Space Used', 0):,} kB {raw.get('Sort Space Type', '')}"
        )
    if "Hash Batches" in raw:
        batches = "1 batch" if raw["Hash Batches"] == 1 else f"{raw['Hash Batches']} batches"
        told.append(f"Hash: {batches}, {raw.get('Peak Memory Usage', 0):,} kB")
    if raw.get("Index Searches", 0) > 1:
        told.append(f"Index searches: {raw['Index Searches']:,}")
    told += [f"{name}: {raw[name]:,}" for name in COUNTED if raw.get(name)]
    return told


def conditions_of(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in CONDITIONS:
        if name in raw:
            value = raw[name]
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
