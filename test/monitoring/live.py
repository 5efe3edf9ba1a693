"""Traffic of every kind, by fault injection where it takes that, so that no query of database.py may be without rows."""

import contextlib
import threading
import time

import database

NUMBER_OF_BUILD_READ = 1  # see src/pg/debug_break.h

SETUP = r"""
CREATE EXTENSION IF NOT EXISTS pg_tree;
CREATE FUNCTION tree_debug_wait_at(point text) RETURNS int AS '$libdir/pg_tree' LANGUAGE C STRICT;
CREATE FUNCTION tree_debug_put_clock_forward(microseconds bigint) RETURNS timestamptz AS '$libdir/pg_tree' LANGUAGE C STRICT;
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tree_depth('no number'::text, 'branch');
EXCEPTION WHEN invalid_text_representation THEN
END $$;
CREATE TABLE branch (id int PRIMARY KEY, parent_id int REFERENCES branch, code text, name text);
INSERT INTO branch SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i FROM generate_series(1, 2000) AS i;
CREATE TABLE building (LIKE branch INCLUDING ALL);
INSERT INTO building TABLE branch;
SELECT tree_register('branch'), tree_register('building');
SELECT tree_stat_reset();
"""

TRAFFIC = """
SELECT count(*) FROM generate_series(1, 30) AS i, LATERAL tree_build(i, 'branch');
SELECT count(tree_depth(id, 'branch')) FROM branch;
UPDATE branch SET name = name || '.' WHERE id = 7;
SELECT count(*) FROM tree_build(1, 'branch');
SELECT count(fails()) FROM generate_series(1, 300);
WITH RECURSIVE up AS (SELECT 2000 AS id UNION ALL SELECT b.parent_id FROM branch AS b JOIN up USING (id)) SELECT count(*) FROM up;
SET pg_tree.enable_cache = off;
SET pg_tree.slow_threshold = 0;
SELECT count(*) FROM tree_build(1, 'branch');
RESET pg_tree.slow_threshold;
RESET pg_tree.enable_cache;
"""


def run(connection, sql):
    """Statement by statement: they are responses by themselves."""
    with connection.cursor() as cursor:
        for statement in sql.split(";\n"):
            if statement.strip():
                cursor.execute(statement)


def value(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def wait_until(connection, sql, what):
    end = time.monotonic() + 30
    while not value(connection, sql):
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.1)


def a_minute_later(connection):
    """For the statistics; the worker is told to look, and has looked when it has saved."""
    until = value(connection, "SELECT tree_debug_put_clock_forward(60 * 1000000::bigint)::text")
    value(connection, "SELECT pg_reload_conf()")
    wait_until(connection, f"SELECT stats_saved >= '{until}' FROM tree_stat_info", "the worker does not look")


def build_until(done):
    """A session in the middle of a build, until the event."""
    with contextlib.closing(database.connect()) as gate, contextlib.closing(database.connect()) as builder:
        value(gate, f"SELECT pg_advisory_lock(20191, {NUMBER_OF_BUILD_READ})::text")
        value(builder, "SELECT tree_debug_wait_at('build_read')")
        build = threading.Thread(target=value, args=(builder, "SELECT count(*) FROM tree_warm('building')"))
        build.start()
        done.wait()
        value(gate, f"SELECT pg_advisory_unlock(20191, {NUMBER_OF_BUILD_READ})")
        build.join()


def check():
    done = threading.Event()
    with contextlib.closing(database.connect()) as connection:
        with connection.cursor() as cursor:
            cursor.execute(SETUP)
        for _ in range(3):
            run(connection, TRAFFIC)
            a_minute_later(connection)
        run(connection, TRAFFIC)
        builder = threading.Thread(target=build_until, args=(done,))
        builder.start()
        try:
            wait_until(connection, "SELECT count(*) > 0 FROM tree_stat_progress", "no build begins")
            database.check(may_be_empty={})
        finally:
            done.set()
            builder.join()
