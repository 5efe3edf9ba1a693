"""Every query of monitoring/ and docs/operations.md, run as the monitoring role."""

import contextlib
import decimal
import math

import psycopg2

import tap
from sources import HISTOGRAM_SUFFIXES, PGWATCH, ROLE, exporter_queries, load, runnable_blocks

MONITOR = "tree_monitor"

# Queries that have no rows on a server where nothing is wrong, and why. All others must have some.
MAY_BE_EMPTY = {
    "exporter pg_tree_bypasses": "no call needed to go around the cache",
    "exporter pg_tree_build": "no image is being built",
    "exporter pg_tree_recursive": "no recursive query ran",
    "exporter pg_tree_slo_current": "nothing was called in pg_tree.slo_window",
    "pgwatch pg_tree_bypass": "no call needed to go around the cache",
    "pgwatch pg_tree_recursive": "no recursive query ran",
    "pgwatch pg_tree_history": "the server has not run for a whole minute yet",
    "operations history": "the server has not run for a whole minute yet",
    "operations slow": "no call was slow",
    "operations bypasses": "no call needed to go around the cache",
    "operations misses": "every call was a hit",
    "operations progress": "no image is being built",
    "operations errors": "no call failed",
    "operations alerts": "every target was met",
    "operations recursive": "no recursive query ran",
}


def connect(user=None):
    """PGHOST, PGPORT and so on are libpq's business."""
    connection = psycopg2.connect(**({"user": user} if user else {}), application_name="check.py")
    connection.autocommit = True
    return connection


def make_role():
    with contextlib.closing(connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [MONITOR])
        if cursor.fetchone() is None:
            cursor.execute(ROLE.read_text(encoding="utf-8"))


class Asked:
    """A query's answer; a failure or a missing row is a failed test."""

    tested = set()
    may_be_empty = MAY_BE_EMPTY

    def __init__(self, connection, name, sql):
        Asked.tested.add(name)
        self.rows, self.columns, self.types = [], [], []
        # psycopg2 reads % only when there are parameters.
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                self.columns = [column.name for column in cursor.description]
                self.rows = cursor.fetchall()
        except psycopg2.Error as error:
            self.works = tap.ok(False, f"{name}: runs as {MONITOR}", error)
            return
        self.works = tap.ok(self.rows or name in Asked.may_be_empty, f"{name}: runs as {MONITOR}" + ("" if self.rows else ", no rows"), sql)

    def dicts(self):
        return [dict(zip(self.columns, row)) for row in self.rows]


def check_role(connection):
    """What it must not be able to do."""
    with connection.cursor() as cursor:
        cursor.execute("""SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls,
                                 ARRAY(SELECT roleid::regrole::text FROM pg_auth_members WHERE member = r.oid)
                          FROM pg_roles AS r WHERE rolname = current_user""")
        powers, groups = cursor.fetchone()
        tap.ok(not powers and groups == ["pg_monitor"], f"{MONITOR} is a member of pg_monitor and nothing else", groups)
        try:
            cursor.execute("SELECT tree_stat_reset()")
            tap.ok(False, f"{MONITOR} may not reset statistics")
        except psycopg2.Error as error:
            tap.ok(error.pgcode == "42501", f"{MONITOR} may not reset statistics", error)


def is_number(value):
    return isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool) and math.isfinite(value)


def histogram_problems(name, row):
    bounds, (buckets, total, count) = row[name], (row[name + suffix] for suffix in HISTOGRAM_SUFFIXES)
    problems = []
    if not bounds or sorted(set(bounds)) != list(bounds) or not all(map(is_number, bounds)):
        problems.append(f"bounds that do not ascend, or are not finite: {bounds}")
    if len(buckets) != len(bounds) or sorted(buckets) != list(buckets) or buckets[-1] > count:
        problems.append(f"counts that are not cumulative: {buckets} of {count}")
    if not is_number(total) or total < 0:
        problems.append(f"a sum of {total}")
    return problems


def check_exporter(connection):
    for name, (sql, metrics, _) in exporter_queries().items():
        answer = Asked(connection, f"exporter {name}", sql)
        if not answer.works:
            continue
        expected = set()
        for column, (usage, _) in metrics.items():
            expected.add(column)
            if usage == "HISTOGRAM":
                expected.update(column + suffix for suffix in HISTOGRAM_SUFFIXES)
        tap.none([f"{column}: in the query or the metrics, and not both" for column in sorted(expected ^ set(answer.columns))],
                 f"exporter {name}: a definition for each column, and a column for each definition")
        labels = [column for column, (usage, _) in metrics.items() if usage == "LABEL"]
        problems = []
        # One pair of rows with the same labels, and the exporter answers a scrape with an error.
        seen = [tuple(row[label] for label in labels) for row in answer.dicts()]
        if len(seen) != len(set(seen)):
            problems.append("two rows have the same labels")
        for row in answer.dicts():
            problems += [f"label {label} is {row[label]!r}" for label in labels if not isinstance(row[label], str)]
            for column, (usage, _) in metrics.items():
                if usage == "HISTOGRAM":
                    problems += histogram_problems(column, row)
                elif usage != "LABEL" and not is_number(row[column]):
                    problems.append(f"{column} is {row[column]!r}")  # a NULL would be exported as NaN
                elif usage == "COUNTER" and row[column] < 0:
                    problems.append(f"{column} is {row[column]!r}")
        tap.none(problems, f"exporter {name}: labels are text and unique, values are numbers")


def check_pgwatch(connection):
    for name, metric in load(PGWATCH)["metrics"].items():
        for version, sql in metric["sqls"].items():
            if version * 10000 > connection.server_version:
                continue
            answer = Asked(connection, f"pgwatch {name}", sql)
            if not answer.works:
                continue
            gauges = metric.get("gauges", [])
            problems = [f"gauge {gauge} is no column" for gauge in gauges if gauge != "*" and gauge not in answer.columns]
            if answer.columns[0] != "epoch_ns":
                problems.append("the first column is not epoch_ns")
            for row in answer.dicts():
                for column, value in row.items():
                    is_counter = column not in gauges and "*" not in gauges
                    if column.startswith("tag_"):
                        if not isinstance(value, str):
                            problems.append(f"{column} is {value!r}")
                    # pgwatch stores numbers that JSON and Go know; numeric is not one of them. Nulls it leaves out.
                    elif value is not None and (not is_number(value) or isinstance(value, decimal.Decimal)):
                        problems.append(f"{column} is {value!r}")
                    elif column != "epoch_ns" and is_counter != column.endswith("_total"):
                        problems.append(f"{column}: counters end in _total, and are not listed under gauges")
                    if column.endswith("_ms"):
                        problems.append(f"{column}: times are in seconds")
            tap.none(sorted(set(problems)), f"pgwatch {name}: columns are what pgwatch takes them for")


def check(may_be_empty=None):
    Asked.may_be_empty = MAY_BE_EMPTY if may_be_empty is None else may_be_empty
    make_role()
    # psycopg2's own `with` would make one transaction of it, which the first error ends.
    with contextlib.closing(connect(MONITOR)) as connection:
        check_role(connection)
        check_exporter(connection)
        check_pgwatch(connection)
        for name, sql in runnable_blocks():
            Asked(connection, f"operations {name}", sql)
    tap.none(sorted(set(MAY_BE_EMPTY) - Asked.tested), "every query that may be empty is there")
