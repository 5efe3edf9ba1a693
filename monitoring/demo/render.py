#!/usr/bin/python3
"""Draws a Grafana dashboard from Prometheus' data, without Grafana: every panel in its place, in one picture.

    render.py --dashboard FILE --prometheus URL --output FILE.png [--start SECONDS] [--end SECONDS] [--step SECONDS]
              [--rate-interval DURATION] [--may-be-empty TITLE]...

It reads the dashboard as Grafana would: the variables are asked of Prometheus, each panel's expressions are run as range or
instant queries, and units, thresholds, value mappings, overrides and the usual transformations of tables are followed as far as
a picture needs. Exits with 1 and says which panels they are when panels have no data or a query fails.
"""

import argparse
import datetime
import json
import math
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import matplotlib

matplotlib.use("Agg")
import matplotlib.dates  # noqa: E402
import matplotlib.patches  # noqa: E402
import matplotlib.pyplot as plt  # noqa: E402
import matplotlib.ticker  # noqa: E402

# All measures are pixels; Grafana's own grid is 24 columns wide.
COLUMN, ROW, GAP, HEADER, DPI = 70, 38, 8, 56, 100
TEXT, FAINT, GRID, PAGE, CARD = "#1f2329", "#6b7280", "#e5e7eb", "#f3f4f6", "#ffffff"
PALETTE = ["#37872d", "#d97706", "#1f60c4", "#c4162a", "#8f3bb8", "#0e7490", "#b45309", "#be185d", "#4d7c0f", "#475569"]
COLOURS = {
    "green": "#37872d",
    "yellow": "#d9a900",
    "orange": "#e0701a",
    "red": "#c4162a",
    "blue": "#1f60c4",
    "purple": "#8f3bb8",
    "gray": "#9ca3af",
    "grey": "#9ca3af",
    "text": TEXT,
    "transparent": "#9ca3af",
    "white": "#d1d5db",
    "black": "#000000",
}


class QueryFailed(Exception):
    pass


# --- Prometheus -----------------------------------------------------------------------------------------------------------


class Prometheus:
    def __init__(self, url):
        self.url = url.rstrip("/")

    def get(self, path, **parameters):
        pairs = []
        for name, value in parameters.items():
            pairs += [(name, item) for item in (value if isinstance(value, list) else [value])]
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(pairs)}"
        try:
            with urllib.request.urlopen(address, timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            try:
                reason = json.load(error).get("error", str(error))
            except ValueError:
                reason = str(error)
            raise QueryFailed(reason) from None
        except OSError as error:
            raise QueryFailed(str(error)) from None

    def range(self, expression, start, end, step):
        result = self.get("query_range", query=expression, start=start, end=end, step=step)["result"]
        return [(series["metric"], [(at, float(value)) for at, value in series["values"]]) for series in result]

    def instant(self, expression, at):
        data = self.get("query", query=expression, time=at)
        if data["resultType"] == "scalar":
            return [({}, [(data["result"][0], float(data["result"][1]))])]
        return [(series["metric"], [(series["value"][0], float(series["value"][1]))]) for series in data["result"]]


# --- Variables ------------------------------------------------------------------------------------------------------------


class Variables:
    """$name, ${name}, ${name:format} and [[name]]; several values become the regular expression (a|b)."""

    def __init__(self, dashboard, prometheus, start, end, built_in):
        self.values = {name: [value] for name, value in built_in.items()}
        for variable in dashboard.get("templating", {}).get("list", []):
            name, kind = variable["name"], variable.get("type")
            if kind == "datasource":
                self.values[name] = ["prometheus"]
            elif kind == "query":
                self.values[name] = self.asked(variable, prometheus, start, end)
            elif kind in ("custom", "interval"):
                self.values[name] = [str(variable.get("query", "")).split(",")[0].strip()]
            else:
                self.values[name] = [str(variable.get("query", ""))]

    def asked(self, variable, prometheus, start, end):
        query = variable.get("query", "")
        query = self.put(query.get("query", "") if isinstance(query, dict) else query)
        found = re.fullmatch(r"\s*label_values\(\s*(?:(.*)\s*,\s*)?([a-zA-Z_]\w*)\s*\)\s*", query, re.S)
        if not found:
            return [".*"]
        selector = {"match[]": found[1].strip()} if found[1] else {}
        values = prometheus.get(f"label/{found[2]}/values", start=start, end=end, **selector)
        if variable.get("regex"):
            wanted = re.compile(variable["regex"].strip("/"))
            values = [value for value in values if wanted.search(value)]
        several = variable.get("multi") or variable.get("includeAll")
        if several and variable.get("allValue"):
            return [variable["allValue"]]
        return values if several else values[:1]

    def put(self, text):
        def value(match):
            name = next(group for group in match.groups() if group)
            if name not in self.values:
                return match[0]
            values = self.values[name]
            if len(values) == 1:
                return values[0]
            return "(" + "|".join(re.escape(value).replace("\\", "\\\\") for value in values) + ")" if values else ""

        return re.sub(r"\$\{(\w+)(?::\w+)?\}|\[\[(\w+)\]\]|\$(\w+)", value, text)


# --- A panel's settings -------------------------------------------------------------------------------------------------------


def matches(matcher, name, reference):
    kind, wanted = matcher.get("id"), matcher.get("options")
    if kind == "byName":
        return name == wanted
    if kind == "byNames":
        return name in wanted.get("names", [])
    if kind == "byRegexp":
        slashed = re.fullmatch(r"/(.*)/\w*", wanted, re.S)
        return re.search(slashed[1] if slashed else wanted, name) is not None
    if kind == "byFrameRefID":
        return reference == wanted
    return False


def field_settings(panel, name="", reference=None):
    """A field's settings after the panel's overrides."""
    config = panel.get("fieldConfig", {})
    settings = json.loads(json.dumps(config.get("defaults", {})))
    for override in config.get("overrides", []):
        if not matches(override.get("matcher", {}), name, reference):
            continue
        for item in override.get("properties", []):
            *path, last = item["id"].split(".")
            place = settings
            for part in path:
                place = place.setdefault(part, {})
            place[last] = item.get("value")
    return settings


def colour(name, fallback=PALETTE[0]):
    if not name:
        return fallback
    if name.startswith("#"):
        return name
    return COLOURS.get(re.sub(r"^(super-light|semi-dark|light|dark)-", "", name), fallback)


def ink_on(tint):
    red, green, blue = matplotlib.colors.to_rgb(tint)
    return TEXT if 0.3 * red + 0.59 * green + 0.11 * blue > 0.6 else "#ffffff"


def mapped(settings, value):
    """The (text, colour) that value mappings give, or (None, None)."""
    for mapping in settings.get("mappings") or []:
        options, result = mapping.get("options", {}), None
        if mapping.get("type") == "value":
            # JSON knows no integers: 0 may be written "0", and come as 0.0.
            text = f"{value:g}" if isinstance(value, float) else str(value)
            result = options.get(text)
        elif mapping.get("type") == "range" and isinstance(value, float):
            low, high = options.get("from"), options.get("to")
            if (low is None or value >= low) and (high is None or value <= high):
                result = options.get("result")
        elif mapping.get("type") == "special" and isinstance(value, float) and math.isnan(value):
            result = options.get("result") if options.get("match") in ("nan", "null+nan") else None
        elif mapping.get("type") == "regex" and isinstance(value, str):
            pattern = options.get("pattern", "").strip("/")
            result = options.get("result") if re.search(pattern, value) else None
        if result:
            return result.get("text"), colour(result["color"]) if result.get("color") else None
    return None, None


def threshold_colour(settings, value, fallback=PALETTE[0]):
    thresholds = settings.get("thresholds") or {}
    steps = thresholds.get("steps") or []
    if thresholds.get("mode") == "percentage":
        low, high = settings.get("min") or 0, settings.get("max") or 100
        value = 100 * (value - low) / ((high - low) or 1)
    found = fallback
    for step in steps:
        if step.get("value") is None or value >= step["value"]:
            found = colour(step.get("color"), fallback)
    return found


def value_colour(settings, value, fallback=PALETTE[0]):
    _, from_mapping = mapped(settings, value)
    if from_mapping:
        return from_mapping
    if math.isnan(value):
        return FAINT
    mode = (settings.get("color") or {}).get("mode", "thresholds")
    if mode == "fixed":
        return colour(settings["color"].get("fixedColor"), fallback)
    return threshold_colour(settings, value, fallback)


# --- Numbers ----------------------------------------------------------------------------------------------------------------


def digits(value, decimals):
    if decimals is not None:
        return f"{value:,.{int(decimals)}f}"
    size = abs(value)
    if size >= 1000 or size == int(size):
        return f"{value:,.0f}"
    text = f"{value:.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 4}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def scaled(value, steps, decimals):
    """steps: (size, suffix), the largest first."""
    for size, suffix in steps:
        if abs(value) >= size or (size, suffix) == steps[-1]:
            return digits(value / size, decimals) + suffix
    return digits(value, decimals)


THOUSANDS = [(1e9, " Bil"), (1e6, " Mil"), (1e3, " K"), (1, "")]
SECONDS = [(86400, " d"), (3600, " h"), (60, " min"), (1, " s"), (1e-3, " ms"), (1e-6, " µs")]
BYTES = [(2**40, " TiB"), (2**30, " GiB"), (2**20, " MiB"), (2**10, " KiB"), (1, " B")]
DECIMAL_BYTES = [(1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB"), (1, " B")]
PER_SECOND = {"ops": "ops/s", "reqps": "req/s", "cps": "c/s", "rps": "r/s", "wps": "w/s", "iops": "io/s", "rowsps": "rows/s"}


def number(value, unit=None, decimals=None):
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if unit in ("s", "ms", "µs", "ns"):
        seconds = value * {"s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit]
        return "0 s" if seconds == 0 else scaled(seconds, SECONDS, decimals)
    if unit in ("bytes", "decbytes", "Bps", "binBps"):
        per = "/s" if unit.endswith("ps") else ""
        return scaled(value, DECIMAL_BYTES if unit == "decbytes" else BYTES, decimals) + per
    if unit == "percentunit":
        return digits(100 * value, decimals) + " %"
    if unit == "percent":
        return digits(value, decimals) + " %"
    if unit in PER_SECOND:
        return scaled(value, THOUSANDS, decimals) + " " + PER_SECOND[unit]
    if unit in ("dateTimeAsIso", "dateTimeAsLocal", "dateTimeAsSystem", "dateTimeFromNow"):
        return datetime.datetime.fromtimestamp(value / 1000, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    if unit in ("bool", "bool_yes_no", "bool_on_off"):
        words = {"bool": ("False", "True"), "bool_yes_no": ("No", "Yes"), "bool_on_off": ("Off", "On")}[unit]
        return words[value != 0]
    if unit in (None, "", "none", "short", "locale", "string"):
        return scaled(value, THOUSANDS, decimals) if unit == "short" else digits(value, decimals)
    return digits(value, decimals) + " " + unit.removeprefix("suffix:")


def shown(settings, value):
    text, _ = mapped(settings, value)
    return text or number(value, settings.get("unit"), settings.get("decimals"))


REDUCERS = {
    "lastNotNull": lambda values: values[-1],
    "last": lambda values: values[-1],
    "firstNotNull": lambda values: values[0],
    "first": lambda values: values[0],
    "max": max,
    "min": min,
    "sum": sum,
    "mean": lambda values: sum(values) / len(values),
    "count": lambda values: float(len(values)),
    "range": lambda values: max(values) - min(values),
    "delta": lambda values: values[-1] - values[0],
    "diff": lambda values: values[-1] - values[0],
}


def reduced(panel, values):
    known = [value for value in values if not math.isnan(value)]
    calcs = panel.get("options", {}).get("reduceOptions", {}).get("calcs") or ["lastNotNull"]
    return REDUCERS.get(calcs[0], REDUCERS["last"])(known) if known else math.nan


# --- Drawing ----------------------------------------------------------------------------------------------------------------


class Canvas:
    """A picture measured in pixels from its top left corner."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.figure = plt.figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=PAGE)
        self.renderer = self.figure.canvas.get_renderer()

    def at(self, x, y):
        return x / self.width, 1 - y / self.height

    def box(self, x, y, width, height, face, edge="none", radius=3, **more):
        left, bottom = self.at(x, y + height)
        self.figure.add_artist(
            matplotlib.patches.FancyBboxPatch(
                (left * self.width, bottom * self.height),
                width,
                height,
                boxstyle=f"round,pad=0,rounding_size={radius}",
                transform=None,
                facecolor=face,
                edgecolor=edge,
                linewidth=0.8,
                zorder=-1,  # below the axes that are put on it
                **more,
            )
        )

    def text(self, x, y, text, size=8.0, **more):
        # A dollar is a dollar, and no formula.
        text = str(text).replace("$", r"\$")
        return self.figure.text(*self.at(x, y), text, fontsize=size, **{"color": TEXT, "va": "center", **more})

    def width_of(self, text, size, weight="normal"):
        ghost = self.text(0, 0, text, size, weight=weight)
        width = ghost.get_window_extent(self.renderer).width
        ghost.remove()
        return width

    def cut(self, text, width, size, weight="normal"):
        """The text, shortened until it fits."""
        if self.width_of(text, size, weight) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width_of(text[:middle] + "…", size, weight) <= width:
                low = middle
            else:
                high = middle - 1
        return text[:low] + "…"

    def fitting(self, text, width, height, largest=30.0, smallest=7.0):
        """The font size at which bold text fills the room."""
        size = min(largest, height * 72 / DPI * 0.8)
        return max(smallest, min(size, size * width / max(1.0, self.width_of(text, size, "bold"))))

    def axes(self, x, y, width, height, **more):
        left, bottom = self.at(x, y + height)
        return self.figure.add_axes([left, bottom, width / self.width, height / self.height], **more)


class Room:
    """The inside of a panel."""

    def __init__(self, canvas, x, y, width, height):
        self.canvas, self.x, self.y, self.width, self.height = canvas, x, y, width, height

    def less(self, top=0.0, right=0.0, bottom=0.0, left=0.0):
        return Room(self.canvas, self.x + left, self.y + top, self.width - left - right, self.height - top - bottom)


class Series:
    def __init__(self, name, labels, points, settings, reference):
        self.name, self.labels, self.points, self.settings, self.reference = name, labels, points, settings, reference
        self.colour = PALETTE[0]

    def values(self):
        return [value for _, value in self.points]


class Ticks(matplotlib.ticker.MaxNLocator):
    """Round figures in the unit that they are shown in: 64 MiB, not 57.2 MiB."""

    def __init__(self, unit):
        super().__init__(4)
        self.sizes = {"bytes": BYTES, "Bps": BYTES, "binBps": BYTES}.get(unit)

    def tick_values(self, vmin, vmax):
        if not self.sizes:
            return super().tick_values(vmin, vmax)
        size = next((size for size, _ in self.sizes if max(abs(vmin), abs(vmax)) >= size), 1)
        return [size * value for value in super().tick_values(vmin / size, vmax / size)]


class Painter:
    def __init__(self, canvas, prometheus, variables, start, end, step):
        self.canvas, self.prometheus, self.variables = canvas, prometheus, variables
        self.start, self.end, self.step = start, end, step

    # What a panel shows.

    def series(self, panel):
        result = []
        for target in panel.get("targets", []):
            if target.get("hide") or not target.get("expr"):
                continue
            expression = self.variables.put(target["expr"])
            if target.get("instant") and not target.get("range"):
                found = self.prometheus.instant(expression, self.end)
            else:
                found = self.prometheus.range(expression, self.start, self.end, self.step)
            for labels, points in found:
                name = self.legend(target.get("legendFormat"), labels, expression)
                reference = target.get("refId")
                settings = field_settings(panel, name, reference)
                name = self.variables.put(settings.get("displayName") or name)
                name = re.sub(r"\$\{__field\.labels\.(\w+)\}", lambda match, known=labels: known.get(match[1], ""), name)
                result.append(Series(name, labels, points, settings, reference))
        for index, item in enumerate(result):
            chosen = item.settings.get("color") or {}
            item.colour = PALETTE[index % len(PALETTE)]
            if chosen.get("mode") == "fixed":
                item.colour = colour(chosen.get("fixedColor"), item.colour)
            elif chosen.get("mode") == "thresholds" and item.points:
                item.colour = threshold_colour(item.settings, item.points[-1][1], item.colour)
        return result

    def legend(self, template, labels, expression):
        if template and template != "__auto":
            template = self.variables.put(template)
            return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: labels.get(match[1], ""), template)
        rest = {name: value for name, value in labels.items() if name != "__name__"}
        if len(rest) == 1:
            return next(iter(rest.values()))
        if not rest:
            return labels.get("__name__") or expression
        return labels.get("__name__", "") + "{" + ", ".join(f"{name}={value}" for name, value in rest.items()) + "}"

    # Parts of panels.

    def legend_line(self, room, series, panel):
        """Draws the legend at the foot or at the right, and returns the room that is left."""
        options = panel.get("options", {}).get("legend", {})
        if options.get("showLegend") is False or options.get("displayMode") == "hidden" or not series:
            return room
        size, line = 7.2, 14
        calcs = options.get("calcs") or []
        entries = []
        for item in series:
            known = [value for value in item.values() if not math.isnan(value)]
            text = item.name
            if known and calcs and options.get("displayMode") == "table":
                figures = [f"{calc.replace('NotNull', '')} {shown(item.settings, REDUCERS[calc](known))}" for calc in calcs if calc in REDUCERS]
                text += "  (" + ", ".join(figures) + ")"
            entries.append((item.colour, text))
        if options.get("placement") == "right":
            width = min(room.width * 0.4, 20 + max(self.canvas.width_of(text, size) for _, text in entries))
            places, rows = [(room.x + room.width - width, row, text) for row, (_, text) in enumerate(entries)], len(entries)
            most, left, top = int((room.height - 20) / line), room.less(right=width + 8), room.y + 10
        else:
            places, x, rows = [], 0.0, 1
            for _, text in entries:
                text = self.canvas.cut(text, room.width - 24, size)
                width = 16 + self.canvas.width_of(text, size) + 12
                if x > 0 and x + width > room.width:
                    x, rows = 0.0, rows + 1
                places.append((room.x + x, rows - 1, text))
                x += width
            most = max(1, min(4, int(room.height / 3 / line)))
            used = min(rows, most) * line
            left, top = room.less(bottom=used + 4), room.y + room.height - used + line / 2
            width = room.width
        for (x, row, text), (tint, _) in zip(places, entries):
            if row >= most:
                continue
            y = top + row * line
            self.canvas.box(x, y - 2, 11, 4, tint, radius=1)
            if row == most - 1 and rows > most:
                text = "…"
            self.canvas.text(x + 15, y, self.canvas.cut(text, width - 18, size), size, color=FAINT)
            if text == "…":
                break
        return left

    def time_axes(self, room, left=56, right=10):
        axes = self.canvas.axes(room.x + left, room.y + 4, room.width - left - right, room.height - 24, facecolor="none")
        axes.set_xlim(self.when(self.start), self.when(self.end))
        locator = matplotlib.dates.AutoDateLocator(minticks=3, maxticks=max(4, int(room.width / 75)))
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M:%S" if self.end - self.start < 1800 else "%H:%M"))
        axes.tick_params(labelsize=7, colors=FAINT, length=0)
        axes.grid(color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        for side in axes.spines.values():
            side.set_visible(False)
        return axes

    @staticmethod
    def when(seconds):
        return matplotlib.dates.date2num(datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc))

    def gaps(self, points):
        """Times and values, with a gap where samples are missing."""
        times, values, before = [], [], None
        for at, value in points:
            if before is not None and at - before > 1.5 * self.step:
                times.append(self.when(before))
                values.append(math.nan)
            times.append(self.when(at))
            values.append(value)
            before = at
        return times, values

    def widen(self, axes, room, right=False):
        """Moves the axes' left (or right) edge to where its labels begin at the room's."""
        box, labels = axes.get_position(), axes.yaxis.get_tightbbox(self.canvas.renderer)
        if labels is None:
            return
        if right:
            end = (room.x + room.width - (labels.x1 - box.x1 * self.canvas.width)) / self.canvas.width
            axes.set_position([box.x0, box.y0, end - box.x0, box.height])
        else:
            begin = (room.x + box.x0 * self.canvas.width - labels.x0) / self.canvas.width
            axes.set_position([begin, box.y0, box.x1 - begin, box.height])

    # Kinds of panels.

    def draw_timeseries(self, panel, room, series):
        second = any((item.settings.get("custom") or {}).get("axisPlacement") == "right" for item in series)
        room = self.legend_line(room, series, panel)
        axes = self.time_axes(room, right=52 if second else 10)
        other = None
        if second:
            other = axes.twinx()
            other.tick_params(labelsize=7, colors=FAINT, length=0)
            for side in other.spines.values():
                side.set_visible(False)
        sums = {}
        settings_of = {}
        for item in series:
            custom = item.settings.get("custom") or {}
            target = other if other is not None and custom.get("axisPlacement") == "right" else axes
            settings_of.setdefault(target, item.settings)
            times, values = self.gaps(item.points)
            base = [0.0] * len(values)
            group = custom.get("stacking") or {}
            if group.get("mode") in ("normal", "percent"):
                total = sums.setdefault(group.get("group", "A"), {})
                base = [total.get(at, 0.0) for at in times]
                values = [low + (0 if math.isnan(value) else value) for low, value in zip(base, values)]
                total.update(zip(times, values))
            how = "steps-post" if str(custom.get("lineInterpolation", "")).startswith("step") else "default"
            style = {"dash": (0, (4, 3)), "dot": (0, (1, 2))}.get((custom.get("lineStyle") or {}).get("fill"), "-")
            width = custom.get("lineWidth", 1)
            if custom.get("drawStyle") == "bars":
                target.bar(times, [v - b for v, b in zip(values, base)], width=self.step / 86400 * 0.9, bottom=base, color=item.colour, alpha=0.7)
            elif custom.get("drawStyle") == "points":
                target.plot(times, values, linestyle="none", marker="o", markersize=3, color=item.colour)
            else:
                target.plot(times, values, color=item.colour, linewidth=0.5 + width, linestyle=style, drawstyle=how, solid_joinstyle="round")
                if len(values) == 1:
                    target.plot(times, values, marker="o", markersize=3, color=item.colour)
            opacity = (custom.get("fillOpacity") or 0) / 100
            if opacity and custom.get("drawStyle") not in ("bars", "points"):
                step = "post" if how == "steps-post" else None
                target.fill_between(times, base, values, step=step, color=item.colour, alpha=min(0.6, opacity), linewidth=0)
        for target, settings in settings_of.items():
            self.value_axis(target, settings)
        self.threshold_lines(axes, panel)
        self.widen(axes, room)
        if other is not None:
            other.set_position(axes.get_position())
            self.widen(other, room, right=True)
            axes.set_position(other.get_position())

    @staticmethod
    def value_axis(axes, settings):
        unit, custom = settings.get("unit"), settings.get("custom") or {}
        if (custom.get("scaleDistribution") or {}).get("type") == "log":
            axes.set_yscale("log", base=(custom["scaleDistribution"].get("log") or 10))
            axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(base=10, numticks=6))
            axes.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        else:
            low, high = axes.get_ylim()
            if settings.get("min") is not None:
                low = settings["min"]
            elif low > 0 and low < 0.5 * high:
                low = 0
            if settings.get("max") is not None:
                high = settings["max"]
            elif all(value == 0 or value != value for line in axes.get_lines() for value in line.get_ydata()):
                low, high = 0, 1  # nothing but zeros
            # Line widths and the topmost tick's label need a little room.
            if high > low:
                axes.set_ylim(low - 0.01 * (high - low), high + 0.03 * (high - low))
            axes.yaxis.set_major_locator(Ticks(unit))
        axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: number(value, unit)))

    @staticmethod
    def threshold_lines(axes, panel):
        settings = panel.get("fieldConfig", {}).get("defaults", {})
        mode = ((settings.get("custom") or {}).get("thresholdsStyle") or {}).get("mode", "off")
        if mode == "off":
            return
        low, high = axes.get_ylim()
        for step in (settings.get("thresholds") or {}).get("steps") or []:
            if step.get("value") is not None and low <= step["value"] <= high:
                axes.axhline(step["value"], color=colour(step.get("color")), linewidth=1, linestyle=(0, (5, 3)), alpha=0.8)

    def tiles(self, room, count, tallest=90):
        """Rooms for so many values: side by side, or in a column, whichever is closer to squares."""
        best = None
        for columns in range(1, count + 1):
            rows = math.ceil(count / columns)
            width, height = room.width / columns, room.height / rows
            # Better a little out of shape than with places left empty.
            unlike = abs(math.log(max(width, 1) / max(2.4 * min(height, tallest), 1))) + (columns * rows - count) * 0.7
            if best is None or unlike < best[0]:
                best = (unlike, columns, width, height)
        _, columns, width, height = best
        return [
            Room(self.canvas, room.x + (index % columns) * width, room.y + (index // columns) * height, width - 4, height - 4)
            for index in range(count)
        ]

    def draw_stat(self, panel, room, series):
        options = panel.get("options", {})
        text_mode = options.get("textMode", "auto")
        for place, item in zip(self.tiles(room, len(series)), series):
            value = reduced(panel, item.values())
            tint = value_colour(item.settings, value)
            text = item.name if text_mode == "name" else shown(item.settings, value)
            with_name = text_mode == "value_and_name" or (text_mode == "auto" and len(series) > 1)
            filled = str(options.get("colorMode", "value")).startswith("background")
            ink = ink_on(tint) if filled else tint if options.get("colorMode", "value") == "value" else TEXT
            if filled:
                self.canvas.box(place.x, place.y, place.width, place.height, tint)
            with_graph = options.get("graphMode", "area") == "area" and len(item.points) > 1 and place.height > 44
            if with_graph:
                axes = self.canvas.axes(place.x + 2, place.y + place.height * 0.62, place.width - 4, place.height * 0.36, facecolor="none")
                times, values = self.gaps(item.points)
                axes.fill_between(times, values, min(values), color=ink_on(tint) if filled else tint, alpha=0.18, linewidth=0)
                axes.plot(times, values, color=ink_on(tint) if filled else tint, linewidth=1)
                axes.axis("off")
            top = 0.0
            if with_name:
                label = self.canvas.cut(item.name, place.width - 8, 7.5)
                self.canvas.text(place.x + place.width / 2, place.y + 9, label, 7.5, ha="center", color=ink if filled else FAINT)
                top = 14
            height = (place.height - top) * (0.62 if with_graph else 1)
            size = self.canvas.fitting(text, place.width - 28, height * 0.75)
            self.canvas.text(place.x + place.width / 2, place.y + top + height * 0.48, text, size, ha="center", color=ink, weight="bold")

    @staticmethod
    def limits(settings, values):
        low = settings.get("min")
        high = settings.get("max")
        if low is None:
            low = 0
        if high is None:
            high = {"percentunit": 1, "percent": 100}.get(settings.get("unit"))
        if high is None:
            steps = [step["value"] for step in (settings.get("thresholds") or {}).get("steps") or [] if step.get("value") is not None]
            high = max([value for value in values if not math.isnan(value)] + steps + [low + 1e-9])
        return low, high

    def draw_gauge(self, panel, room, series):
        values = [reduced(panel, item.values()) for item in series]
        for place, item, value in zip(self.tiles(room, len(series), 140), series, values):
            low, high = self.limits(item.settings, values)
            named = 14 if len(series) > 1 else 0
            radius = max(10.0, min(place.width / 2 - 4, (place.height - named) / 1.45))
            centre = place.x + place.width / 2, place.y + (place.height - named + radius * 0.75) / 2 + 2
            axes = self.canvas.axes(centre[0] - radius, centre[1] - radius, 2 * radius, 2 * radius, facecolor="none")
            axes.set_xlim(-1, 1)
            axes.set_ylim(-1, 1)
            axes.axis("off")
            share = 0.0 if math.isnan(value) or high <= low else min(1.0, max(0.0, (value - low) / (high - low)))
            axes.add_patch(matplotlib.patches.Wedge((0, 0), 0.88, -20, 200, width=0.24, facecolor=GRID))
            tint = value_colour(item.settings, value)
            axes.add_patch(matplotlib.patches.Wedge((0, 0), 0.88, 200 - 220 * share, 200, width=0.24, facecolor=tint))
            steps = (item.settings.get("thresholds") or {}).get("steps") or []
            for index, step in enumerate(steps):
                begin = low if step.get("value") is None else step["value"]
                end = steps[index + 1]["value"] if index + 1 < len(steps) else high
                part = [200 - 220 * min(1.0, max(0.0, (edge - low) / ((high - low) or 1))) for edge in (begin, end)]
                axes.add_patch(matplotlib.patches.Wedge((0, 0), 0.96, part[1], part[0], width=0.05, facecolor=colour(step.get("color"))))
            text = shown(item.settings, value)
            size = self.canvas.fitting(text, radius * 1.0, radius * 0.55, 22)
            self.canvas.text(*centre, text, size, ha="center", color=tint, weight="bold")
            if named:
                label = self.canvas.cut(item.name, place.width - 4, 7.5)
                self.canvas.text(place.x + place.width / 2, place.y + place.height - 7, label, 7.5, ha="center", color=FAINT)

    def draw_bargauge(self, panel, room, series):
        values = [reduced(panel, item.values()) for item in series]
        order = range(min(len(series), max(1, int(room.height / 16))))
        low, high = 0.0, 1.0
        if series:
            low, high = self.limits(series[0].settings, values)
        height = min(34.0, room.height / max(1, len(order)))
        size = 7.5
        label = min(room.width * 0.45, max((self.canvas.width_of(series[index].name, size) for index in order), default=0) + 8)
        figures = max((self.canvas.width_of(shown(series[index].settings, values[index]), size, "bold") for index in order), default=0) + 8
        for row, index in enumerate(order):
            item, value = series[index], values[index]
            y = room.y + row * height
            tint = value_colour(item.settings, value)
            width = room.width - label - figures
            share = 0.0 if math.isnan(value) or high <= low else min(1.0, max(0.0, (value - low) / (high - low)))
            self.canvas.text(room.x, y + height / 2, self.canvas.cut(item.name, label - 6, size), size)
            self.canvas.box(room.x + label, y + 2, width, height - 4, GRID)
            if share > 0:
                self.canvas.box(room.x + label, y + 2, max(2.0, width * share), height - 4, tint, radius=min(3.0, width * share / 2))
            self.canvas.text(room.x + room.width, y + height / 2, shown(item.settings, value), size, ha="right", weight="bold", color=tint)

    draw_barchart = draw_bargauge

    def draw_heatmap(self, panel, room, series):
        """Histogram buckets (label le), newest Grafana's way: one column for each step, one row for each bucket."""

        def bound(item):
            return math.inf if item.labels.get("le", item.name) in ("+Inf", "Inf") else float(item.labels.get("le", item.name))

        series = sorted(series, key=bound)
        times = sorted({at for item in series for at, _ in item.points})
        columns = {at: index for index, at in enumerate(times)}
        rows = [[0.0] * len(times) for _ in series]
        for row, item in enumerate(series):
            for at, value in item.points:
                rows[row][columns[at]] = 0.0 if math.isnan(value) else value
        # Prometheus' buckets include those below them.
        if any("le" in item.labels for item in series):
            rows = [[max(0.0, value - (rows[row - 1][column] if row else 0.0)) for column, value in enumerate(line)] for row, line in enumerate(rows)]
        axes = self.time_axes(room)
        most = max((value for line in rows for value in line), default=0.0)
        cells = [[math.nan if value <= 0 else value for value in line] for line in rows]
        edges = [self.when(at - self.step) for at in times] + [self.when(times[-1])]
        norm = matplotlib.colors.PowerNorm(0.5, vmin=0, vmax=most or 1)
        axes.pcolormesh(edges, range(len(series) + 1), cells, cmap="YlOrRd", norm=norm)
        axes.set_yticks(range(1, len(series) + 1))
        unit = ((panel.get("options", {}).get("yAxis") or {}).get("unit")) or panel.get("fieldConfig", {}).get("defaults", {}).get("unit")
        every = max(1, math.ceil(len(series) * 11 / max(1, room.height - 30)))
        labels = [number(bound(item), unit or "s") if "le" in item.labels else item.name for item in series]
        axes.set_yticklabels([text if index % every == 0 else "" for index, text in enumerate(labels)])
        axes.set_ylim(0, len(series))
        self.widen(axes, room)

    def draw_state_timeline(self, panel, room, series):
        label = min(room.width * 0.3, max(self.canvas.width_of(item.name, 7.5) for item in series) + 14)
        axes = self.time_axes(room, left=label)
        axes.grid(axis="y", visible=False)
        states = {}
        for row, item in enumerate(series):
            runs = []
            for at, value in item.points:
                if runs and runs[-1][2] == value and at - runs[-1][1] <= 1.5 * self.step:
                    runs[-1][1] = at
                else:
                    runs.append([at, at, value])
            for begin, end, value in runs:
                tint = value_colour(item.settings, value, PALETTE[row % len(PALETTE)])
                text = shown(item.settings, value)
                states.setdefault(text, tint)
                left, right = self.when(begin), self.when(min(end + self.step, self.end))
                axes.broken_barh([(left, right - left)], (row - 0.38, 0.76), facecolor=tint, alpha=0.85, linewidth=0)
                pixels = (right - left) / (self.when(self.end) - self.when(self.start)) * (room.width - label - 10)
                if pixels > self.canvas.width_of(text, 7) + 6:
                    axes.text((left + right) / 2, row, text, ha="center", va="center", fontsize=7, color=ink_on(tint), clip_on=True)
        axes.set_yticks(range(len(series)))
        axes.set_yticklabels([self.canvas.cut(item.name, label - 8, 7) for item in series])
        axes.set_ylim(len(series) - 0.5, -0.5)

    draw_status_history = draw_state_timeline

    def draw_table(self, panel, room, series):
        columns, rows = self.table_of(panel, series)
        size, line = 7.5, 18
        most = max(1, int((room.height - line) / line))
        texts, tints = [], []
        for row in rows[:most]:
            line_texts, line_tints = [], []
            for name in columns:
                settings = field_settings(panel, name)
                value = row.get(name, "")
                line_texts.append(shown(settings, value) if value != "" else "")
                _, tint = mapped(settings, value)
                cell = (settings.get("custom") or {}).get("cellOptions") or {}
                if tint is None and isinstance(value, float) and str(cell.get("type", "auto")).startswith("color"):
                    tint = threshold_colour(settings, value)
                line_tints.append(tint)
            texts.append(line_texts)
            tints.append(line_tints)
        wanted = [
            max([self.canvas.width_of(name, size, "bold")] + [self.canvas.width_of(row[index], size) for row in texts]) + 18
            for index, name in enumerate(columns)
        ]
        widths = self.share_out(wanted, room.width)
        x = room.x
        for index, name in enumerate(columns):
            right = any(isinstance(row.get(name), float) for row in rows) and not mapped(field_settings(panel, name), rows[0].get(name, ""))[0]
            edge, side = (x + widths[index] - 12, "right") if right else (x, "left")
            self.canvas.text(edge, room.y + line / 2, self.canvas.cut(name, widths[index] - 12, size, "bold"), size, ha=side, weight="bold")
            for row, (row_texts, row_tints) in enumerate(zip(texts, tints)):
                text = self.canvas.cut(row_texts[index], widths[index] - 12, size)
                y = room.y + line * (row + 1.5)
                more = {"weight": "bold", "color": row_tints[index]} if row_tints[index] else {}
                self.canvas.text(edge, y, text, size, ha=side, **more)
            x += widths[index]
        for row in range(len(texts)):
            self.canvas.box(room.x, room.y + line * (row + 1), room.width, 0.6, GRID, radius=0)
        if len(rows) > most:
            self.canvas.text(room.x + room.width, room.y + room.height - 2, f"{len(rows) - most} more", 6.5, ha="right", color=FAINT)

    @staticmethod
    def share_out(wanted, width):
        """What is over goes to all; what is missing is taken from the widest."""
        widths = list(wanted)
        if sum(widths) <= width:
            return [part + (width - sum(wanted)) / len(wanted) for part in widths] if widths else []
        low, high = 0.0, max(widths)
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if sum(min(part, middle) for part in wanted) <= width else (low, middle)
        return [min(part, low) for part in wanted]

    def table_of(self, panel, series):
        """Columns and rows after the transformations that dashboards use for tables."""
        references = sorted({item.reference for item in series}, key=str)
        value_names = {reference: "Value" if len(references) == 1 else f"Value #{reference}" for reference in references}
        transformations = [item for item in panel.get("transformations", []) if not item.get("disabled")]
        kinds = [item["id"] for item in transformations]
        rows, labels = [], []
        join = next((item.get("options", {}).get("byField") for item in transformations if item["id"] in ("joinByField", "seriesToColumns")), None)
        together = join or "merge" in kinds
        found = {}
        for item in series:
            known = {name: value for name, value in item.labels.items() if name != "__name__"}
            for name in known:
                if name not in labels:
                    labels.append(name)
            key = known.get(join) if join else tuple(sorted(known.items()))
            row = found.get(key) if together else None
            if row is None:
                row = {"Time": number(item.points[-1][0] * 1000, "dateTimeAsIso")}
                rows.append(row)
                if together:
                    found[key] = row
            row.update(known)
            row[value_names[item.reference]] = item.points[-1][1]
        columns = ["Time"] + sorted(labels) + list(value_names.values())
        for transformation in transformations:
            options = transformation.get("options", {})
            if transformation["id"] == "organize":
                hidden = {name for name, hide in (options.get("excludeByName") or {}).items() if hide}
                place = options.get("indexByName") or {}
                renamed = options.get("renameByName") or {}
                columns = sorted((name for name in columns if name not in hidden), key=lambda name: place.get(name, 1000))
                rows = [{renamed.get(name) or name: value for name, value in row.items()} for row in rows]
                columns = [renamed.get(name) or name for name in columns]
            elif transformation["id"] == "filterFieldsByName":
                include = options.get("include") or {}
                names, pattern = include.get("names"), include.get("pattern")
                columns = [name for name in columns if (names and name in names) or (pattern and re.search(pattern.strip("/"), name))]
            elif transformation["id"] == "sortBy":
                for rule in reversed(options.get("sort") or []):
                    sort_rows(rows, rule.get("field"), rule.get("desc"))
            elif transformation["id"] == "limit":
                rows = rows[: int(options.get("limitField") or 10)]
        for rule in reversed((panel.get("options", {}).get("sortBy")) or []):
            sort_rows(rows, rule.get("displayName"), rule.get("desc"))
        return columns, rows

    def draw_text(self, panel, room, _series):
        content = re.sub(r"[#*`]|<[^>]+>", "", panel.get("options", {}).get("content") or panel.get("content") or "")
        y = room.y + 8
        for paragraph in content.strip().split("\n"):
            line = ""
            for word in paragraph.split():
                if self.canvas.width_of(f"{line} {word}", 8) > room.width:
                    self.canvas.text(room.x, y, line, 8)
                    y, line = y + 15, word
                else:
                    line = f"{line} {word}".strip()
            if y > room.y + room.height - 6:
                break
            self.canvas.text(room.x, y, line, 8)
            y += 15

    # One panel.

    def paint(self, panel, offset):
        """Returns what is wrong with it, or None."""
        place = panel["gridPos"]
        x, y = GAP + place["x"] * COLUMN, HEADER + (place["y"] - offset) * ROW
        width, height = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
        title = self.variables.put(panel.get("title") or "")
        kind = panel["type"]
        if kind == "row":
            self.canvas.text(x, y + height / 2, "▾ " + title, 10.5, weight="bold")
            return None
        self.canvas.box(x, y, width, height, CARD, edge="#d6dae0")
        self.canvas.text(x + 10, y + 14, self.canvas.cut(title, width - 20, 8.5, "bold"), 8.5, weight="bold")
        room = Room(self.canvas, x + 10, y + 28, width - 20, height - 36)
        draw = getattr(self, "draw_" + kind.replace("-", "_"), None)
        if kind == "graph":
            draw = self.draw_timeseries
        problem, series = None, []
        if draw is None:
            problem = f"panels of the kind {kind} cannot be drawn"
        elif kind != "text":
            try:
                series = [item for item in self.series(panel) if item.points]
            except QueryFailed as error:
                problem = f"a query failed: {error}"
            if problem is None and not series:
                problem = "no data"
        if problem is not None:
            text = panel.get("fieldConfig", {}).get("defaults", {}).get("noValue") or problem
            self.canvas.text(x + width / 2, y + height / 2 + 8, self.canvas.cut(text, width - 20, 9), 9, ha="center", color=FAINT)
            return problem
        draw(panel, room, series)
        return None


def sort_rows(rows, field, descending):
    def key(row):
        value = row.get(field, "")
        return (0, value, "") if isinstance(value, float) else (1, 0.0, str(value))

    rows.sort(key=key, reverse=bool(descending))


def panels_of(dashboard):
    """All panels; those of a collapsed row are shown below it, as if it were opened."""
    panels, shift = [], 0
    for panel in sorted(dashboard.get("panels", []), key=lambda item: (item["gridPos"]["y"], item["gridPos"]["x"])):
        panel["gridPos"]["y"] += shift
        panels.append(panel)
        inside = panel.get("panels") or []
        if panel["type"] == "row" and inside:
            top = min(item["gridPos"]["y"] for item in inside)
            for item in inside:
                item["gridPos"]["y"] += panel["gridPos"]["y"] + 1 - top
                panels.append(item)
            shift += max(item["gridPos"]["y"] + item["gridPos"]["h"] for item in inside) - panel["gridPos"]["y"] - 1
    return panels


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dashboard", required=True)
    parser.add_argument("--prometheus", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--start", type=float)
    parser.add_argument("--end", type=float)
    parser.add_argument("--step", type=float)
    parser.add_argument("--rate-interval", default="10s")
    parser.add_argument("--may-be-empty", action="append", default=[], metavar="TITLE")
    arguments = parser.parse_args()

    with open(arguments.dashboard, encoding="utf-8") as file:
        dashboard = json.load(file)
    dashboard = dashboard.get("dashboard", dashboard)
    end = arguments.end or time.time()
    start = arguments.start or end - 600
    step = arguments.step or max(1.0, round((end - start) / 240))
    end = math.floor(end / step) * step
    start = math.floor(start / step) * step

    prometheus = Prometheus(arguments.prometheus)
    built_in = {
        "__rate_interval": arguments.rate_interval,
        "__interval": f"{step:.0f}s",
        "__range": f"{end - start:.0f}s",
        "__interval_ms": f"{step * 1000:.0f}",
        "__range_s": f"{end - start:.0f}",
        "__range_ms": f"{(end - start) * 1000:.0f}",
    }
    try:
        variables = Variables(dashboard, prometheus, start, end, built_in)
    except QueryFailed as error:
        sys.exit(f"render.py: a variable's query failed: {error}")

    panels = panels_of(dashboard)
    if not panels:
        sys.exit("render.py: the dashboard has no panels")
    top = min(panel["gridPos"]["y"] for panel in panels)
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    plt.rcParams.update({"font.family": "DejaVu Sans", "axes.formatter.useoffset": False, "timezone": "UTC"})
    canvas = Canvas(24 * COLUMN + GAP, HEADER + (bottom - top) * ROW + GAP)
    canvas.text(GAP + 4, 20, dashboard.get("title", ""), 15, weight="bold")

    def clock(seconds):
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")

    chosen = "   ".join(
        f"{variable['name']}: {', '.join(variables.values[variable['name']])}".replace(": .*", ": all")
        for variable in dashboard.get("templating", {}).get("list", [])
        if variable.get("type") != "datasource" and variables.values[variable["name"]]
    )
    canvas.text(GAP + 4, 43, f"{clock(start)} to {clock(end)} UTC   {chosen}", 8.5, color=FAINT)

    painter = Painter(canvas, prometheus, variables, start, end, step)
    missing = 0
    for panel in panels:
        problem = painter.paint(panel, top)
        if problem is None:
            continue
        expected = problem == "no data" and panel.get("title") in arguments.may_be_empty
        print(f"{panel.get('title') or panel['type']}: {problem}{' (as expected)' if expected else ''}", file=sys.stderr)
        missing += not expected
    canvas.figure.savefig(arguments.output, dpi=DPI, facecolor=PAGE)
    drawn = sum(panel["type"] != "row" for panel in panels)
    print(f"{drawn} panels, {missing} without data they should have")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
