"""`make bench`: every figure of bench/README.md, measured again; names of benchmarks choose some of them."""

import gc
import sys
from collections.abc import Callable
from functools import partial

from bench import collections, families, flag_list, flags, imports, locks, ofrep, pages, schema, serving, statements
from bench.house import House, house, server, table
from dashboard.jobs import COLLECTORS

LARGE, SMALL = 10_000, 100
MANY, FEW = 5_000, 100


def sizes(large: House, small: House) -> None:
    """Collections and list pages of a large and a small database."""
    print("\n### Collections\n")
    heads = ("collector", "bare questions", "first collection", "times", "a later one", "times")
    for name, one in (("small", small), ("large", large)):
        print(f"\n{name}:\n\n{table(heads, collections_of(one))}")
    print("\n### Memory of a worker\n")
    held = [[f"{one / 2**20:.0f} MB" for one in collections.memory_of_a_worker(each)] for each in (small, large)]
    heads = ("database", "started", "first collection", "second", "third", "peak")
    print(table(heads, [("small", *held[0]), ("large", *held[1])]))
    print("\n### List pages\n")
    found = []
    for each, count in ((small, FEW), (large, MANY)):
        families.add(each, count)  # right before: windows end with the newest reading while that is not old
        found.append(pages.measured(each))
    heads = ("page", "small", "times bare", "gzip", "large", "times bare", "gzip")
    print(table(heads, [(few[0], *page(few), *page(many)) for few, many in zip(*found, strict=True)]))


def collections_of(one: House) -> list[tuple[str, ...]]:
    """Each collector, then all together: bare, first and later seconds."""
    taken: list[tuple[str, float, float, float]] = []
    for collector in COLLECTORS:
        asked: collections.Asked = []
        with collections.noted(asked):
            first = collections.collected(one, (collector,))
        taken.append((collector.PROBE, collections.bare(one, asked), first, collections.collected(one, (collector,))))
    taken.append(("all", *(sum(row[part] for row in taken) for part in (1, 2, 3))))
    return [
        (name, ms(raw), ms(first), times(first, raw), ms(later), times(later, raw)) for name, raw, first, later in taken
    ]


def page(measured: tuple[str, float, float, int]) -> tuple[str, str, str]:
    return f"{measured[1]:.1f} ms", f"{measured[2]:.2f}", f"{measured[3] / 1000:.1f} kB"


def ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def times(one: float, other: float) -> str:
    return f"{one / other:.2f}"


def run_sizes() -> None:
    with (
        server() as running,
        house(running, "small", partial(schema.fill, SMALL)) as small,
        house(running, "large", partial(schema.fill, LARGE)) as large,
    ):
        pages.add_bare(small)
        pages.add_bare(large)
        gc.freeze()  # as the worker and the command do before they collect
        sizes(large, small)


BENCHMARKS: dict[str, Callable[[], None]] = {
    "statements": statements.main,
    "flags": flags.main,
    "flag_list": flag_list.main,
    "sizes": run_sizes,
    "imports": imports.run,
    "locks": locks.main,
    "ofrep": ofrep.run_ofrep,
    "serving": serving.main,
}


def main(names: list[str]) -> int:
    unknown = set(names) - BENCHMARKS.keys()
    if unknown:
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        print(f"\n## {name}", flush=True)
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
