"""What the files under test say: metrics, rules, panels, runnable queries of the documentation."""

import json
import pathlib
import re

import yaml

PROJECT = pathlib.Path(__file__).resolve().parents[2]
MONITORING = PROJECT / "monitoring"
OPERATIONS = PROJECT / "docs" / "operations.md"
ROLE = MONITORING / "postgres_exporter" / "role.sql"
QUERIES = MONITORING / "postgres_exporter" / "queries.yaml"
PGWATCH = MONITORING / "pgwatch" / "metrics.yaml"
RULES = sorted((MONITORING / "prometheus" / "rules").glob("*.yml"))
RULE_TESTS = sorted((MONITORING / "prometheus" / "tests").glob("*.yml"))
DASHBOARD = MONITORING / "grafana" / "pg_tree.json"

# What postgres_exporter and Prometheus have by themselves, and we use.
OTHERS_METRICS = {"up", "ALERTS", "pg_up", "pg_exporter_last_scrape_error"}
HISTOGRAM_SUFFIXES = ("_bucket", "_sum", "_count")


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def exporter_queries():
    """name -> (SQL, {column: (usage, description)}, whether it is asked of one database only)"""
    result = {}
    for name, query in load(QUERIES).items():
        columns = {}
        for column in query["metrics"]:
            for key, value in column.items():
                columns[key] = (value["usage"], value.get("description", ""))
        result[name] = (query["query"], columns, query.get("master", False))
    return result


def metric_names():
    """All that the exporter gives, a histogram as its three series."""
    names = set()
    for query, (_, columns, _) in exporter_queries().items():
        for column, (usage, _) in columns.items():
            if usage == "HISTOGRAM":
                names.update(f"{query}_{column}{suffix}" for suffix in HISTOGRAM_SUFFIXES)
            elif usage != "LABEL":
                names.add(f"{query}_{column}")
    return names


def rules(kind):
    """(name, rule) of kind 'record' or 'alert', in order."""
    return [(rule[kind], rule) for path in RULES for group in load(path)["groups"] for rule in group["rules"] if kind in rule]


def panel_targets():
    """(panel's title, legend or refId, expression)"""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return [(panel["title"], target["legendFormat"] or target["refId"], target["expr"])
            for panel in dashboard["panels"] for target in panel.get("targets", [])]


def metrics_in(expression):
    """The names of metrics that an expression uses; those of recording rules have colons."""
    expression = re.sub(r'"[^"]*"', '""', expression)
    expression = re.sub(r"\{[^}]*\}|\b(by|without|on|ignoring|group_left|group_right) *\([^)]*\)", " ", expression)
    return set(re.findall(r"\b(?:up|ALERTS)\b|\b[a-z_]+:pg_tree_[a-z0-9_:]+|(?<![:\w])pg_[a-z0-9_]+", expression))


def runnable_blocks():
    """(name, SQL) of the documentation's ```sql run=name blocks."""
    return re.findall(r"^```sql run=(\w+)\n(.*?)^```$", OPERATIONS.read_text(encoding="utf-8"), re.M | re.S)


def anchors(path):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
