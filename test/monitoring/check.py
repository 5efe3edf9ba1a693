#!/usr/bin/python3
"""Holds monitoring/ and docs/operations.md to what they say. Prints TAP; ends with status 1 if a test fails.

    check.py files               what needs no server: syntax, unit tests of the rules, whether the files agree with each other
    check.py database            every query in them, run as the monitoring role, in a database with pg_tree that has seen some traffic:
                                 PGHOST, PGPORT, PGUSER (a superuser), PGDATABASE. Creates the role of role.sql if it is not there
    check.py live                the same, and every query has to have rows: makes traffic of every kind, alerts and a build under way, for
                                 which it needs a debug build of pg_tree, and a database of its own
    check.py prometheus URL      every expression of the dashboard and the rules, in a Prometheus that scrapes such a server
                                 [--rate-interval 1m]; with --all each has to have a value, also those about what may not happen

Debian's packages: python3-yaml; for files prometheus and prometheus-alertmanager (promtool, amtool); for database and live
python3-psycopg2.
"""

import argparse
import sys

sys.dont_write_bytecode = True  # the checkout is left as it is

import tap  # noqa: E402


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("what", choices=["files", "database", "live", "prometheus"])
    parser.add_argument("url", nargs="?")
    parser.add_argument("--rate-interval", default="1m")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    if (arguments.what == "prometheus") != (arguments.url is not None):
        parser.error("prometheus takes a URL, the others take none")
    # Each needs packages of its own.
    if arguments.what == "files":
        import files
        files.check()
    elif arguments.what == "database":
        import database
        database.check()
    elif arguments.what == "live":
        import live
        live.check()
    else:
        import chain
        chain.check(arguments.url.rstrip("/"), arguments.rate_interval, arguments.all)
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
