"""Which flags need which, in one environment (pure)."""

from collections.abc import Collection, Mapping

Needs = Mapping[str, Collection[str]]


def dependants(needs: Needs, keys: Collection[str]) -> set[str]:
    """The flags that need one of these, directly or through others; a flag of a circle needs itself."""
    found, waiting = set[str](), set(keys)
    while waiting:
        waiting = {key for key, needed in needs.items() if key not in found and not waiting.isdisjoint(needed)}
        found |= waiting
    return found


def needed_by(needs: Needs, keys: Collection[str]) -> set[str]:
    """The flags that one of these needs, directly or through others."""
    found, waiting = set[str](), set(keys)
    while waiting:
        waiting = {other for key in waiting for other in needs.get(key, ())} - found
        found |= waiting
    return found


def in_order(needs: Needs, keys: Collection[str]) -> list[str]:
    """These keys, each one after those that it needs: whoever needs another one needs more than that one does."""
    return sorted(keys, key=lambda key: (len(needed_by(needs, [key])), key))


def circle(needs: Needs, start: str) -> list[str]:
    """The shortest way from a flag through what it needs back to itself, both ends named; empty when there is none."""
    ways, seen = [[start]], set[str]()
    while ways:
        longer = [[*way, key] for way in ways for key in needs.get(way[-1], ())]
        if closed := next((way for way in longer if way[-1] == start), None):
            return closed
        ways = list({way[-1]: way for way in longer if way[-1] not in seen}.values())
        seen |= {way[-1] for way in ways}
    return []
