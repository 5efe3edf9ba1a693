"""Every expression of the dashboard and the rules, asked of a Prometheus that scrapes a server with traffic."""

import json
import math
import re
import urllib.error
import urllib.parse
import urllib.request

import tap
from sources import OTHERS_METRICS, exporter_queries, metric_names, metrics_in, panel_targets, rules

# Expressions that have no value on a server where nothing is wrong, and why. All others must have one.
MAY_BE_EMPTY = {
    "panel Bypasses by reason: {{reason}}": "no call needed to go around the cache",
    "panel Misses and bypasses by tree: {{datname}} {{tree}}: bypasses": "no call needed to go around the cache",
    "panel Recursive queries left: {{datname}} {{relation}}": "no recursive query ran",
    "panel Time in recursive queries: {{datname}} {{relation}}": "no recursive query ran",
    "rule tree_reason:pg_tree_bypasses:rate5m": "no call needed to go around the cache",
    "rule instance:pg_tree_recursive_calls:rate5m": "no recursive query ran",
}
# The same for metrics.
ABSENT_METRICS = {
    "pg_tree_bypasses_total": "no call needed to go around the cache",
    "pg_tree_build_nodes_done": "no image is being built",
    "pg_tree_build_nodes_expected": "no image is being built",
    "pg_tree_recursive_statements": "no recursive query ran",
    "pg_tree_recursive_calls_total": "no recursive query ran",
    "pg_tree_recursive_seconds_total": "no recursive query ran",
    "ALERTS": "no alert is pending or firing",
}


class Prometheus:
    def __init__(self, url):
        self.url = url

    def get(self, path, **parameters):
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error).get("error", error)) from error

    def values(self, expression):
        """The values that an expression has now, NaN left out."""
        result = self.get("query", query=expression)["result"]
        return [value for value in (float(sample["value"][1]) for sample in result) if not math.isnan(value)]


def substitute(expression, rate_interval):
    """As Grafana does it with `All` chosen everywhere."""
    expression = expression.replace("$__rate_interval", rate_interval)
    return re.sub(r"\$(job|instance|tree)\b", ".*", expression)


def check_value(prometheus, name, expression, may_be_empty):
    try:
        values = prometheus.values(expression)
    except ValueError as error:
        tap.ok(False, name, expression, error)
        return
    tap.ok(values or name in may_be_empty, name + ("" if values else ", no value"), expression)


def check_ratios(prometheus):
    """A share is between 0 and 1, whatever is counted meanwhile."""
    for name, _ in rules("record"):
        if ":ratio_" in name or name.endswith(":usage_ratio"):
            values = prometheus.values(name)
            tap.ok(all(0 <= value <= 1.001 for value in values), f"{name} is between 0 and 1", values)


def check_loaded(prometheus):
    """Our rules are loaded, they work, and what they record is there."""
    loaded = {rule["name"]: rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]}
    names = [name for kind in ("record", "alert") for name, _ in rules(kind)]
    tap.none([name for name in names if name not in loaded], "every rule is loaded")
    tap.none([f"{name}: {loaded[name].get('lastError')}" for name in names if loaded.get(name, {}).get("health") == "err"],
             "no rule fails")
    tap.none([name for name, _ in rules("record") if f"rule {name}" not in MAY_BE_EMPTY and not prometheus.values(name)],
             "every recording rule records something")


def check(url, rate_interval, all_have_values):
    prometheus = Prometheus(url)
    may_be_empty = {} if all_have_values else MAY_BE_EMPTY
    stored = set(prometheus.get("label/__name__/values"))
    tap.none(sorted(metric_names() - stored - set(ABSENT_METRICS)), "every metric of queries.yaml is there")
    histograms = {f"{query}_{column}" for query, (_, columns, _) in exporter_queries().items()
                  for column, (usage, _) in columns.items() if usage == "HISTOGRAM"}
    for name in sorted(histograms):
        values = prometheus.values(f'max({name}_bucket{{le="+Inf"}} - ignoring(le) {name}_count)')
        tap.ok(values == [0.0], f"{name} is a histogram: its last bucket is its count", values)
    for title, legend, expression in panel_targets():
        check_value(prometheus, f"panel {title}: {legend}", substitute(expression, rate_interval), may_be_empty)
    for name, rule in rules("record"):
        check_value(prometheus, f"rule {name}", rule["expr"], may_be_empty)
    for name, rule in rules("alert"):
        # An alert has no value as long as all is well, but what it is about has to be there.
        try:
            prometheus.values(rule["expr"])
            missing = sorted(metrics_in(rule["expr"]) - stored - set(ABSENT_METRICS))
            tap.none(missing, f"alert {name} is about something that is there")
        except ValueError as error:
            tap.ok(False, f"alert {name} is about something that is there", rule["expr"], error)
    check_loaded(prometheus)
    check_ratios(prometheus)
    known = {f"panel {title}: {legend}" for title, legend, _ in panel_targets()} | {f"rule {name}" for name, _ in rules("record")}
    tap.none(sorted(set(MAY_BE_EMPTY) - known) + sorted(set(ABSENT_METRICS) - metric_names() - OTHERS_METRICS),
             "every expression and metric that may be absent is defined")
