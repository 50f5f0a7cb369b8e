"""Databases of many tables, three indexes each."""

from tests.conftest import Database

BATCH = 500
MAKE = """
do $$
begin
    for number in {first}..{last} loop
        execute format(
            'create table %I (id bigint primary key, name text, at timestamptz default now(), amount numeric)',
            'table_' || number
        );
        execute format('create index on %I (name)', 'table_' || number);
        execute format('create index on %I (at, amount)', 'table_' || number);
        if number % 10 = 0 then
            execute format(
                'insert into %I (id, name, amount) select i, md5(i::text), i from generate_series(1, 200) as i',
                'table_' || number
            );
        end if;
    end loop;
end
$$
"""


def fill(count: int, database: Database) -> None:
    """This many tables and three times as many indexes; a tenth of the tables has rows."""
    for first in range(1, count + 1, BATCH):
        database.execute(MAKE.format(first=first, last=min(first + BATCH - 1, count)))
    database.execute("vacuum analyze")
