"""What the form of prerequisites sends, read into a definition, and back (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dashboard.flags import rules
from dashboard.flags.rules import Definition

Fields = Mapping[str, Sequence[str]]
CODE, VARIANT = "none", "variant:"


@dataclass(frozen=True)
class NeedRow:
    """A flag that is needed, with the variants of it that were ticked."""

    key: str
    variants: tuple[str, ...] = ()


@dataclass(frozen=True)
class NeedsForm:
    """`typed`: the key of a flag that is to be added."""

    rows: tuple[NeedRow, ...] = ()
    unmet: str = CODE
    typed: str = ""

    @property
    def keys(self) -> list[str]:
        return [row.key for row in self.rows]

    def choices(self, variants: Sequence[str]) -> list[tuple[str, str]]:
        """What everybody else may get: value → words."""
        held = self.unmet.removeprefix(VARIANT) if self.unmet.startswith(VARIANT) else None
        names = dict.fromkeys([*variants, *([held] if held else [])])
        return [(CODE, "the default in their code"), *((VARIANT + name, name) for name in names)]


NO_NEEDS = NeedsForm()


def shown(definition: Definition) -> NeedsForm:
    unmet = CODE if definition.unmet_variant is None else VARIANT + definition.unmet_variant
    return NeedsForm(tuple(NeedRow(key, tuple(names)) for key, names in definition.prerequisites.items()), unmet)


def sent(fields: Fields) -> NeedsForm:
    """What was typed; a key that was typed and not yet added counts as a row without variants."""
    keys = [key for key in dict.fromkeys(fields.get("needs", ())) if rules.KEY.match(key)]
    rows = [NeedRow(key, tuple(dict.fromkeys(fields.get(f"needs:{key}", ())))) for key in keys]
    typed = next(iter(fields.get("needs_key", ())), "").strip()
    return with_added(NeedsForm(tuple(rows), next(iter(fields.get("unmet", ())), CODE), typed))


def with_added(form: NeedsForm) -> NeedsForm:
    if not rules.KEY.match(form.typed):
        return form
    rows = form.rows if form.typed in form.keys else (*form.rows, NeedRow(form.typed))
    return replace(form, rows=rows, typed="")


def with_removed(form: NeedsForm, action: str) -> NeedsForm:
    """The form after “Remove” of a row was pressed."""
    key = action.removeprefix("need-remove:")
    return replace(form, rows=tuple(row for row in form.rows if row.key != key))


def read_into(form: NeedsForm, problems: dict[str, str]) -> tuple[dict[str, list[str]], str | None]:
    """The prerequisites, and the variant that is served while one of them is not met."""
    if form.typed:
        problems["needs_key"] = "No flag has such a key."
    for row in form.rows:
        if not row.variants:
            problems[f"needs:{row.key}"] = f"Tick the variants of {row.key} that count."
    needs = {row.key: list(row.variants) for row in form.rows}
    return needs, form.unmet.removeprefix(VARIANT) if needs and form.unmet.startswith(VARIANT) else None


def fields_of(form: NeedsForm) -> list[tuple[str, str]]:
    """The form as hidden fields, for another form that sends it again."""
    pairs = [("unmet", form.unmet)]
    for row in form.rows:
        pairs += [("needs", row.key), *((f"needs:{row.key}", variant) for variant in row.variants)]
    return pairs
