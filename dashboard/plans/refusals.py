"""Why a server gave no plan, in sentences of ours (pure): its own words may quote rows of tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

NOT_SHOWN = "What the server said is not shown, because it may hold data of your tables."
SENTENCES = {
    "42P01": "No table of this name is found by the explaining role: names without a schema are looked up along its "
    "search_path.",
    "3F000": "A schema that the statement names does not exist.",
    "42703": "A column that the statement names does not exist (any more).",
    "42601": "The recorded text is no statement any more: pg_stat_statements put a parameter where the server takes "
    "only a literal.",
    "42P18": "The server cannot tell the type of a parameter: say it in the form below.",
    "42P08": "The server finds different types for the same parameter: say its type in the form below.",
    "42883": "With parameters of unknown type a function or operator does not fit: say their types in the form below.",
    "42725": "With parameters of unknown type several functions or operators fit: say their types in the form below.",
    "42804": "With parameters of unknown type two types do not fit each other: say them in the form below.",
    "25006": "The statement wants to write; here everything is read only.",
    "57014": "It took longer than the time limit and was ended.",
    "55P03": "A table that it reads is locked; we do not wait for it.",
    "22P02": "A value does not have the form of its parameter's type.",
    "22003": "A value is outside the range of its parameter's type.",
    "0A000": "The server cannot do what the statement wants.",
}
CLASSES = {
    "22": "A value does not fit, in the statement or in what planning computes in advance.",
    "23": "A check failed while a function of the database ran in planning.",
    "42": "The statement does not fit the database as the explaining role sees it.",
    "53": "The server has no room left for this.",
    "54": "The statement is too large or too deep for the server.",
    "58": "The server itself failed.",
    "P0": "A function of the database that planning called failed.",
    "XX": "The server itself failed.",
}
UNKNOWN = "The server refused."
MAY_NOT_READ = "The role {role} may not read what the statement reads."
MAY_NOT_WRITE = "PostgreSQL plans a statement that writes only for a role that may write there; {role} may not."
MOST_TOLD = 5
Quote = Callable[[str], str]


@dataclass(frozen=True)
class Refusal:
    """`sqlstate` None: not the server refused, but we. `remedy_sql`: what an owner could run, when that helps."""

    sqlstate: str | None
    sentence: str
    remedy_sql: str | None = None


@dataclass(frozen=True)
class Readable:
    """A table that the statement may mean, and whether the role may use its schema and read it."""

    schema: str
    name: str
    uses_schema: bool
    reads: bool


@dataclass(frozen=True)
class Holder:
    """A session that has or wants a table for itself alone."""

    pid: int
    relation: str
    has_it: bool
    application: str


def refusal_of(sqlstate: str) -> Refusal:
    known = SENTENCES.get(sqlstate)
    sentence = known or f"{CLASSES.get(sqlstate[:2], UNKNOWN)} {NOT_SHOWN}"
    return Refusal(sqlstate, f"{sentence} (SQLSTATE {sqlstate})")


def locked(refusal: Refusal, holders: Sequence[Holder], names: Sequence[str]) -> Refusal:
    """Who holds the tables that the statement mentions, as far as it can be told now."""
    meant = [one for one in holders if not names or one.relation.rpartition(".")[2] in names][:MOST_TOLD]
    if not meant:
        return refusal
    told = "; ".join(
        f"{one.relation} {'is locked' if one.has_it else 'is waited for'} by process {one.pid}"
        f"{f' ({one.application})' if one.application else ''}"
        for one in meant
    )
    state = f"(SQLSTATE {refusal.sqlstate})"
    return Refusal(refusal.sqlstate, f"{refusal.sentence.removesuffix(state)}Now {told}. {state}")


def forbidden(role: str, tables: Sequence[Readable], quote: Quote) -> Refusal:
    """The exact GRANT for what is missing; a statement that writes is refused although all can be read."""
    grants = [
        f"GRANT USAGE ON SCHEMA {quote(schema)} TO {quote(role)};"
        for schema in dict.fromkeys(table.schema for table in tables if not table.uses_schema)
    ]
    grants += [
        f"GRANT SELECT ON {quote(table.schema)}.{quote(table.name)} TO {quote(role)};"
        for table in tables
        if not table.reads
    ]
    sentence = (MAY_NOT_READ if grants or not tables else MAY_NOT_WRITE).format(role=role)
    return Refusal("42501", f"{sentence} (SQLSTATE 42501)", "\n".join(grants) or None)
