-- A small database with everything whose catalogue differs between PostgreSQL 14 and 18.
create extension pg_stat_statements;
create extension pgstattuple;
create type state as enum ('new', 'paid');
create table customers (
    id bigint generated always as identity primary key,
    email text not null constraint customers_email_key unique,
    name text not null check (name <> ''),
    notes text,
    initial text generated always as (substr(name, 1, 1)) stored
);
create table orders (
    id bigserial primary key,
    customer_id bigint not null references customers,
    state state not null default 'new',
    detail jsonb,
    during tstzrange,
    exclude using gist (during with &&)
);
create index orders_open on orders (customer_id) include (id) where state = 'new';
create index customers_lower on customers (lower(email) desc);
create index orders_detail on orders using gin (detail);
create table events (at date not null, what text) partition by range (at);
create table events_old partition of events for values from (minvalue) to ('2026-01-01');
create table events_new partition of events default;
create unlogged table scratch (id integer);
create function touch() returns trigger language plpgsql as 'begin return new; end';
create trigger orders_touch before update on orders for each row execute function touch();
create view paid as select id from orders where state = 'paid';
create materialized view totals as select customer_id, count(*) from orders group by customer_id;
create table alembic_version (version_num varchar(32) not null primary key);
insert into alembic_version values ('abc123');
insert into customers (email, name, notes)
select n || '@example.com', 'c' || n, repeat(md5(n::text), 200) from generate_series(1, 2000) as n;
alter table customers alter column notes set storage external;
insert into customers (email, name, notes)
select n || '@example.org', 'd' || n, repeat(md5(n::text), 200) from generate_series(1, 200) as n;
insert into orders (customer_id, detail) select 1 + n % 2000, '{"a": 1}' from generate_series(1, 5000) as n;
insert into events select date '2025-12-01' + n % 60, 'e' from generate_series(1, 1000) as n;
analyze;
