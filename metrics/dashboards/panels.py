"""The kinds of panels that the dashboards are made of, each with one look.

Titles, descriptions and headings come in English and are said in the sheet's language. Legends
come as they are shown: many are names that the machine's file gives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from metrics.dashboards.faces import COLOURS
from metrics.dashboards.sheet import Sheet

DATASOURCE = kinds.DataSourceRef(type_val="prometheus", uid="${datasource}")
GOOD, REMARKABLE, WRONG, PLAIN = COLOURS["green"], COLOURS["orange"], COLOURS["red"], "text"
POINTS = 100
"""Points in time of a picture of all tills: with thousands of them, a point for each pixel would
be more samples than Prometheus gives for one question."""
LABELS = {"shop": "Shop", "till": "Till", "instance": "Agent"}
"""Labels that every table may show, with their headings."""


class Looks(NamedTuple):
    """What a panel says of itself. ``width`` is of 24; ``unit`` is one of Grafana's; ``more`` is
    a sentence that several panels add."""

    title: str
    about: str
    unit: str
    width: int
    height: int
    more: str = ""


class Target(NamedTuple):
    """A query and what its series are called."""

    expr: str
    legend: str = ""


class Steps(NamedTuple):
    """From which value on something is remarkable, and from which it is wrong."""

    remarkable: float | None = None
    wrong: float | None = None


NO_STEPS = Steps()


class Link(NamedTuple):
    """A way out of a panel; ``url`` may hold what Grafana fills in."""

    title: str
    url: str
    new_window: bool = False


@dataclass(frozen=True)
class Panels:
    """Makes the panels of one sheet."""

    sheet: Sheet

    def stat(
        self,
        looks: Looks,
        *exprs: str,
        steps: Steps = NO_STEPS,
        mappings: Sequence[model.ValueMapping] = (),
        absent: str = "",
    ) -> model.Panel:
        """A number as it is now; ``absent`` is said when there is none."""
        marked = mappings or steps != NO_STEPS
        builder = (
            stat.Panel()
            .targets([self._query(n, Target(expr)).instant() for n, expr in enumerate(exprs)])
            .color_mode(
                kinds.BigValueColorMode.BACKGROUND if marked else kinds.BigValueColorMode.NONE
            )
            .graph_mode(kinds.BigValueGraphMode.NONE)
            .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
            .thresholds(_thresholds(steps))
            .mappings([*mappings])
        )
        if absent:
            builder.no_value(self.sheet.say(absent))
        return self._dressed(builder.build(), looks)

    def graph(
        self,
        looks: Looks,
        *targets: Target,
        colours: Mapping[str, str] | None = None,
        stacked: bool = False,
        bars: bool = False,
        links: Sequence[Link] = (),
    ) -> model.Panel:
        """Values over time. ``colours`` are those of series by their name."""
        builder = (
            timeseries.Panel()
            .targets([self._query(n, target) for n, target in enumerate(targets)])
            .min(0)
            .line_width(2)
            .fill_opacity(70 if stacked or bars else 10)
            .show_points(kinds.VisibilityMode.NEVER)
            .stacking(
                common.StackingConfig().mode(
                    kinds.StackingMode.NORMAL if stacked or bars else kinds.StackingMode.NONE
                )
            )
            .legend(
                common.VizLegendOptions()
                .show_legend(True)
                .display_mode(kinds.LegendDisplayMode.LIST)
                .placement(kinds.LegendPlacement.BOTTOM)
            )
            .tooltip(
                common.VizTooltipOptions()
                .mode(kinds.TooltipDisplayMode.MULTI)
                .sort(kinds.SortOrder.DESCENDING)
            )
        )
        if not self.sheet.one:
            builder.max_data_points(POINTS)
        if bars:
            builder.draw_style(kinds.GraphDrawStyle.BARS)
        for name, colour in (colours or {}).items():
            builder.with_override(_named(name), [_fixed(colour)])
        builder.data_links(self._links(links))
        return self._dressed(builder.build(), looks)

    def bars(self, looks: Looks, *targets: Target, colours: Mapping[str, str]) -> model.Panel:
        """Values as they are now, as bars beside each other with their names."""
        builder = (
            bargauge.Panel()
            .targets([self._query(n, target).instant() for n, target in enumerate(targets)])
            .min(0)
            .orientation(kinds.VizOrientation.HORIZONTAL)
            .display_mode(kinds.BarGaugeDisplayMode.BASIC)
            .value_mode(kinds.BarGaugeValueMode.TEXT)
            .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        )
        for name, colour in colours.items():
            builder.with_override(_named(name), [_fixed(colour)])
        return self._dressed(builder.build(), looks)

    def table(
        self,
        looks: Looks,
        expr: str,
        value: str,
        *,
        columns: Mapping[str, str] | None = None,
        links: Sequence[Link] = (),
        steps: Steps = NO_STEPS,
        ascending: bool = False,
    ) -> model.Panel:
        """One row for each series, the largest value first, or with ``ascending`` the smallest.

        ``columns`` are labels with their headings, beside shop, till and agent; ``value`` heads
        the values, which are left out when it is empty.
        """
        heads = {**LABELS, **(columns or {})}
        headings = {label: self.sheet.say(head) for label, head in heads.items()}
        shown = [*headings, "Value"] if value else [*headings]
        builder = (
            table.Panel()
            .targets([self._query(0, Target(expr)).instant().format(PromQueryFormat.TABLE)])
            .with_transformation(
                model.DataTransformerConfig(
                    "filterFieldsByName", options={"include": {"names": shown}}
                )
            )
            .with_transformation(
                model.DataTransformerConfig(
                    "organize",
                    options={
                        "excludeByName": {},
                        "indexByName": {name: place for place, name in enumerate(shown)},
                        "renameByName": {**headings, "Value": self.sheet.say(value)},
                    },
                )
            )
            .thresholds(_thresholds(steps))
            .data_links(self._links(links))
            .no_value(self.sheet.say("none"))
        )
        if value:
            heading = self.sheet.say(value)
            builder.sort_by(
                [common.TableSortByFieldState().display_name(heading).desc(not ascending)]
            )
            if steps.wrong is not None:
                cell = model.DynamicConfigValue("custom.cellOptions", {"type": "color-background"})
                builder.with_override(_named(heading), [cell])
        return self._dressed(builder.build(), looks)

    def timeline(self, looks: Looks, *targets: Target, links: Sequence[Link] = ()) -> model.Panel:
        """The states of tills over time, each with its name and its colour."""
        builder = (
            statetimeline.Panel()
            .targets([self._query(n, target) for n, target in enumerate(targets)])
            .mappings(self.states())
            .show_value(kinds.VisibilityMode.AUTO)
            .merge_values(True)
            .row_height(0.8)
            .fill_opacity(85)
            .line_width(0)
            .legend(
                common.VizLegendOptions()
                .show_legend(True)
                .display_mode(kinds.LegendDisplayMode.LIST)
                .placement(kinds.LegendPlacement.BOTTOM)
            )
        )
        builder.data_links(self._links(links))
        return self._dressed(builder.build(), looks)

    def heat(self, looks: Looks, expr: str) -> model.Panel:
        """How often which length occurred, from the buckets of a histogram."""
        target = self._query(0, Target(expr, "{{le}}")).format(PromQueryFormat.HEATMAP)
        builder = (
            heatmap.Panel()
            .targets([target])
            .calculate(False)
            .color(
                heatmap.HeatmapColorOptions()
                .mode(HeatmapColorMode.SCHEME)
                .scheme("Oranges")
                .steps(64)
                .exponent(0.5)
            )
            .y_axis(heatmap.YAxisConfig().unit("s"))
            .max_data_points(POINTS)
            .show_legend()
        )
        return self._dressed(builder.build(), looks)

    def states(self) -> list[model.ValueMapping]:
        """From a state's number to its name and colour."""
        options = {
            str(face.number): model.ValueMappingResult(
                self.sheet.label(face), face.colour, index=place
            )
            for place, face in enumerate(self.sheet.faces.states)
        }
        return [model.ValueMap(options)]

    def state_colours(self) -> Mapping[str, str]:
        """The colours of states by their names."""
        return {self.sheet.label(face): face.colour for face in self.sheet.faces.states}

    def tills_by_state(self) -> list[Target]:
        """How many tills are in each state."""
        sheet = self.sheet
        return [Target(sheet.tills_in(face), sheet.label(face)) for face in sheet.faces.states]

    def _query(self, place: int, target: Target) -> Dataquery:
        query = Dataquery().ref_id(reference(place)).expr(target.expr).datasource(DATASOURCE)
        return query.range().legend_format(target.legend or "__auto")

    def _links(self, links: Sequence[Link]) -> list[Builder[model.DashboardLink]]:
        return [
            dashboard.DashboardLink(self.sheet.say(link.title))
            .type(model.DashboardLinkType.LINK)
            .url(link.url)
            .target_blank(link.new_window)
            for link in links
        ]

    def _dressed(self, panel: model.Panel, looks: Looks) -> model.Panel:
        panel.title = self.sheet.say(looks.title)
        panel.description = " ".join(map(self.sheet.say, filter(None, (looks.about, looks.more))))
        panel.datasource = DATASOURCE
        panel.grid_pos = model.GridPos(h=looks.height, w=looks.width)
        panel.field_config = panel.field_config or model.FieldConfigSource()
        panel.field_config.defaults.unit = looks.unit
        if looks.unit in ("short", "none") and panel.type_val != "timeseries":
            # What increase() reckons is rarely whole, what it counts always is.
            panel.field_config.defaults.decimals = 0
        return panel


def reference(place: int) -> str:
    """The name of a panel's query: A to Z, then AA and so on."""
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _named(name: str) -> model.MatcherConfig:
    # Not "byName": what Grafana publishes as its schema wants an object here.
    return model.MatcherConfig("byNames", {"mode": "include", "names": [name]})


def _fixed(colour: str) -> model.DynamicConfigValue:
    return model.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    plain = PLAIN if steps == NO_STEPS else GOOD
    found = [
        model.Threshold(value, colour)
        for value, colour in ((steps.remarkable, REMARKABLE), (steps.wrong, WRONG))
        if value is not None
    ]
    return (
        dashboard.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(None, plain), *found])
    )
