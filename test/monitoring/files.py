"""What can be said of the files without a server."""

import re
import subprocess

import tap
from sources import (DASHBOARD, MONITORING, OPERATIONS, OTHERS_METRICS, PGWATCH, PROJECT, QUERIES, RULE_TESTS, RULES, anchors,
                     exporter_queries, load, metric_names, metrics_in, panel_targets, rules, runnable_blocks)

# alert -> who hears of it, by severity.
RECEIVERS = {"critical": "database-on-call", "warning": "database-slack", "info": "database-mail"}


def run(name, *command, output=None):
    """A program has to succeed, and, if given, to print exactly this."""
    try:
        process = subprocess.run([str(part) for part in command], cwd=PROJECT, capture_output=True, text=True, timeout=120)
    except OSError as error:
        return tap.ok(False, name, error)
    passed = process.returncode == 0 and (output is None or process.stdout.strip() == output)
    return tap.ok(passed, name, process.stdout, process.stderr)


def check_syntax():
    for path in RULES:
        run(f"promtool check rules {path.name}", "promtool", "check", "rules", "--lint-fatal", path)
    run("promtool check config prometheus.yml", "promtool", "check", "config", MONITORING / "prometheus" / "prometheus.yml")
    for path in RULE_TESTS:
        run(f"promtool test rules {path.name}", "promtool", "test", "rules", path)
    alertmanager = MONITORING / "alertmanager" / "alertmanager.yml"
    run("amtool check-config alertmanager.yml", "amtool", "check-config", alertmanager)
    for name, rule in rules("alert"):
        severity = rule["labels"]["severity"]
        run(f"{name} goes to {RECEIVERS[severity]}", "amtool", "config", "routes", "test", f"--config.file={alertmanager}",
            f"alertname={name}", f"severity={severity}", output=RECEIVERS[severity])
    run("the message's template can be rendered", "amtool", "template", "render",
        f"--template.glob={MONITORING / 'alertmanager' / 'pg_tree.tmpl'}",
        '--template.text={{ template "pg_tree.subject" . }} {{ template "pg_tree.text" . }}')
    run("grafana/pg_tree.json is what grafana/build writes", MONITORING / "grafana" / "build", "--check")


def check_rule_tests():
    """Every rule is tested: an alert that fires and one that does not, a recorded value."""
    firing, quiet, expressions = set(), set(), []
    for path in RULE_TESTS:
        for group in load(path)["tests"]:
            for test in group.get("alert_rule_test", []):
                (firing if test.get("exp_alerts") else quiet).add(test["alertname"])
            expressions += [test["expr"] for test in group.get("promql_expr_test", []) if test.get("exp_samples")]
    tested = set().union(*map(metrics_in, expressions))
    tap.none([name for name, _ in rules("alert") if name not in firing], "every alert has a test in which it fires")
    tap.none([name for name, _ in rules("alert") if name not in quiet], "every alert has a test in which it does not fire")
    tap.none([name for name, _ in rules("record") if name not in tested], "every recording rule has a test")


def check_alerts():
    problems = []
    known = anchors(OPERATIONS)
    for name, rule in rules("alert"):
        page, _, anchor = rule["annotations"].get("runbook_url", "").partition("#")
        if page != "docs/operations.md" or anchor != name.lower() or anchor not in known:
            problems.append(f"{name}: runbook_url {page}#{anchor}")
        if "for" not in rule or not rule["annotations"].get("summary") or not rule["annotations"].get("description"):
            problems.append(f"{name}: it lacks for, summary or description")
    tap.none(problems, "every alert has a place in docs/operations.md, a duration, a summary and a description")


def check_metrics():
    known = metric_names() | OTHERS_METRICS | {name for name, _ in rules("record")}
    used = [(f"{title}: {legend}", expression) for title, legend, expression in panel_targets()]
    used += [(name, rule["expr"]) for kind in ("record", "alert") for name, rule in rules(kind)]
    tap.none([f"{where} uses {name}" for where, expression in used for name in sorted(metrics_in(expression) - known)],
             "dashboard and rules use only metrics that queries.yaml and the recording rules define")
    shown = set().union(*(metrics_in(expression) for _, expression in used))
    # A metric that nothing here uses is one that nobody would miss, unless it is meant for whoever asks by hand.
    by_hand = {"pg_tree_build_nodes_done", "pg_tree_build_nodes_expected", "pg_tree_slo_samples", "pg_tree_slo_current_value",
               "pg_tree_statistics_reset_timestamp_seconds", "pg_tree_recursive_statements",
               "pg_tree_response_duration_seconds_sum"}
    tap.none(sorted(metric_names() - shown - by_hand) + sorted(f"{name} is used after all" for name in by_hand & shown),
             "every metric is used in the dashboard or a rule, or is one to ask for by hand")


def check_names():
    """Prometheus' conventions for names and units."""
    problems = []
    for query, (_, columns, master) in exporter_queries().items():
        if not query.startswith("pg_tree"):
            problems.append(f"{query}: the prefix is pg_tree")
        if not master:
            problems.append(f"{query}: with --auto-discover-databases it would be asked in every database (master: true)")
        for column, (usage, description) in columns.items():
            name = f"{query}_{column}"
            if not description:
                problems.append(f"{name}: no description")
            if usage not in ("LABEL", "COUNTER", "GAUGE", "HISTOGRAM"):
                problems.append(f"{name}: usage {usage}")
            if usage == "LABEL":
                continue
            if (usage == "COUNTER") != name.endswith("_total"):
                problems.append(f"{name}: counters end in _total, and only they")
            if re.search(r"_(ms|milliseconds|kb|mb|percent|minutes)(_|$)", name):
                problems.append(f"{name}: units are seconds, bytes and ratios")
            for unit, words in (("seconds", "duration|timestamp|time"), ("bytes", "size|memory|bytes")):
                if re.search(f"_({words})(_|$)", name) and not re.search(f"_{unit}(_total)?$", name):
                    problems.append(f"{name}: should end in _{unit}")
            if usage == "HISTOGRAM" and not name.endswith(("_seconds", "_bytes")):
                problems.append(f"{name}: a histogram's name ends in its unit")
    tap.none(problems, "names and units in queries.yaml are as Prometheus has them")


def check_pgwatch():
    problems = []
    definitions = load(PGWATCH)
    for name, metric in definitions["metrics"].items():
        if set(metric) - {"description", "sqls", "gauges", "is_instance_level", "node_status", "statement_timeout_seconds"}:
            problems.append(f"{name}: a key that pgwatch does not know")
        if not metric.get("description") or 15 not in metric["sqls"]:
            problems.append(f"{name}: it lacks a description, or SQL for PostgreSQL 15 and newer")
    scheduled = {name for preset in definitions["presets"].values() for name in preset["metrics"]}
    problems += sorted(f"{name}: in a preset or a metric, and not both" for name in scheduled ^ set(definitions["metrics"]))
    tap.none(problems, "pgwatch/metrics.yaml has the form that pgwatch reads, and a preset with every metric")


def check_documents():
    problems = []
    for path in (OPERATIONS, MONITORING / "README.md"):
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            file, _, anchor = target.partition("#")
            place = path.parent / file if file else path
            if not place.exists() or (anchor and anchor not in anchors(place)):
                problems.append(f"{path.name}: {target}")
    tap.none(problems, "links in operations.md and README.md lead somewhere")
    names = [name for name, _ in runnable_blocks()]
    tap.ok(names and len(names) == len(set(names)) and
           len(re.findall(r"^```sql", OPERATIONS.read_text(encoding="utf-8"), re.M)) == len(names),
           "every SQL block in operations.md is run by a test, under a name of its own", names)
    tap.none([path for path in (DASHBOARD, QUERIES, PGWATCH) if not path.read_text(encoding="utf-8").isascii()],
             "what machines read is plain ASCII")


def check():
    check_syntax()
    check_rule_tests()
    check_alerts()
    check_metrics()
    check_names()
    check_pgwatch()
    check_documents()
