-- Names, comments and values that break careless pages: HTML, quotes, control characters, right-to-left text, 63 bytes.
-- Runs in an empty database. Every string here must show as text wherever it comes out again.
create schema "<b>bold & bad</b>";
create schema "dots.and/slashes~tildes";
create schema "Ünïcödé 数据库 🐘";

create type "<b>bold & bad</b>"."mood'; drop table users; --" as enum (
    'fine', '<script>alert("enum")</script>', E'tab\tand\nline', E'back\\slash', '100 %s', '{{ 7 * 7 }}', '‮gnihton', ''
);

create table "<b>bold & bad</b>"."<script>alert('table')</script>" (
    id bigint generated always as identity primary key,
    "<img src=x onerror=alert(1)>" text default '<script>alert("default")</script>',
    "quote""d and 'single'" integer not null default 0 check ("quote""d and 'single'" >= 0),
    "{{ 7 * 7 }}{% raw %}" "<b>bold & bad</b>"."mood'; drop table users; --",
    "=1+1" numeric(10, 2),
    "%(name)s %s" jsonb
);
comment on table "<b>bold & bad</b>"."<script>alert('table')</script>"
    is '</td><script>alert("comment")</script> <!-- " onmouseover="alert(1)';
comment on column "<b>bold & bad</b>"."<script>alert('table')</script>"."<img src=x onerror=alert(1)>"
    is E'javascript:alert(1)\r\nSet-Cookie: a=b ‮txet';
create index "<svg onload=alert('index')>"
    on "<b>bold & bad</b>"."<script>alert('table')</script>" (lower("<img src=x onerror=alert(1)>"))
    where "quote""d and 'single'" > 1;
comment on index "<b>bold & bad</b>"."<svg onload=alert('index')>" is '<iframe src=javascript:alert(1)>';

create table "dots.and/slashes~tildes"."a.b/c~d..e" (
    id bigint primary key,
    "col.umn/~" bigint references "<b>bold & bad</b>"."<script>alert('table')</script>" (id),
    "self" bigint references "dots.and/slashes~tildes"."a.b/c~d..e" (id)
);
create table "dots.and/slashes~tildes".".." (id integer);
create table "dots.and/slashes~tildes"."?q=1#hash&amp;%2F%00" (id integer);
create table "dots.and/slashes~tildes"." leading and trailing " (id integer);

create table "Ünïcödé 数据库 🐘"."aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" (
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" integer,
    "数据" text
);
create table "Ünïcödé 数据库 🐘"."‮live‭" ("שלום" text, "a‍b" text);
comment on table "Ünïcödé 数据库 🐘"."‮live‭" is 'right-to-left ‮override';
create view "Ünïcödé 数据库 🐘"."view </textarea><script>alert(1)</script>" as
    select "数据" as "</pre>" from "Ünïcödé 数据库 🐘"."aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
do $$
begin
    execute format('create table public.%I (%I integer)', E'bell\x07 esc\x1b[31m del\x7f nl\n cr\r tab\t', E'col\x01\n');
    execute format('comment on table public.%I is %L', E'bell\x07 esc\x1b[31m del\x7f nl\n cr\r tab\t', E'c\x1b[0m\nX');
end
$$;
insert into "<b>bold & bad</b>"."<script>alert('table')</script>" ("quote""d and 'single'", "=1+1")
select n, n from generate_series(1, 100) as n;

alter table "dots.and/slashes~tildes"."a.b/c~d..e"
    add column "back\slash \n \\" text,
    add column "100% %s %(x)s %%" text,
    add column "${7*7} #{7*7} {% include 'x' %}" text,
    add column "@SUM(A1)" text,
    add constraint "</title><script>alert('constraint')</script>" check (id > 0),
    add constraint "-unique+1" unique ("self", "col.umn/~");
create index "{{ config }} %s \ ' ""index""" on "dots.and/slashes~tildes"."a.b/c~d..e" ("@SUM(A1)");
do $$
begin
    execute format('create index %I on public.%I (%I)', E'new\nline\tindex', E'bell\x07 esc\x1b[31m del\x7f nl\n cr\r tab\t', E'col\x01\n');
    execute format('create function public.touch() returns trigger language plpgsql as %L', 'begin return new; end');
    execute format(
        'create trigger %I before update on "dots.and/slashes~tildes"."a.b/c~d..e" for each row execute function public.touch()',
        E'<img src=x onerror=alert("trigger")>\n"'
    );
end
$$;
