"""What both dashboards have around their panels: variables, links, annotations, the layout."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as model

from metrics import families
from metrics.dashboards.faces import COLOURS
from metrics.dashboards.panels import DATASOURCE
from metrics.dashboards.sheet import Sheet

SCHEMA_VERSION = 38
"""Grafana 10.1's. A newer one brings the file to its own version when it reads it."""

LONGEST_UID = 40


class Section(NamedTuple):
    """A row of the dashboard with its panels, from left to right and from top to bottom."""

    title: str
    panels: Sequence[model.Panel]


def uid(sheet: Sheet, name: str) -> str:
    """The dashboard's address, which stays: of machine, name and language."""
    machine = sheet.faces.machine
    told = f"tillwire-{machine}-{name}" + ("" if sheet.language == "en" else f"-{sheet.language}")
    plain = re.sub(r"[^a-zA-Z0-9-]", "-", told)
    if plain == told and len(told) <= LONGEST_UID:
        return told
    digest = hashlib.sha256(told.encode()).hexdigest()[:8]
    return f"{plain[: LONGEST_UID - 9]}-{digest}"


def named(sheet: Sheet) -> str:
    """What a title says of the machine: nothing of the one that comes along."""
    return "" if sheet.faces.machine == "connection" else f" ({sheet.faces.machine})"


def address(sheet: Sheet, name: str) -> str:
    """Where the other dashboard is, seen from this one."""
    return f"/d/{uid(sheet, name)}"


def framed(
    sheet: Sheet, name: str, title: str, about: str, sections: Sequence[Section], other: str
) -> model.Dashboard:
    """A dashboard of sections. ``name`` is this one's, ``other`` the one that it leads to."""
    builder = (
        dashboard.Dashboard(title)
        .uid(uid(sheet, name))
        .description(sheet.say(about))
        .tags(["tillwire", sheet.faces.machine])
        .readonly()
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .time("now-6h", "now")
        .refresh("1m")
        .variables([*_variables(sheet)])
        .annotations([*_annotations(sheet)])
        .link(
            dashboard.DashboardLink(sheet.say(LINKS[other]))
            .type(model.DashboardLinkType.LINK)
            .icon("dashboard")
            .url(address(sheet, other))
            .include_vars(True)
            .keep_time(True)
        )
    )
    made = builder.build()
    made.schema_version = SCHEMA_VERSION
    # The library would hide both in a menu that Grafana 10 has not.
    for hidden in (*(made.links or ()), *(made.annotations.list_val or ())):
        hidden.placement = None
    made.panels = [*_laid_out(sheet, sections)]
    return made


LINKS = {"fleet": "All tills", "till": "One till"}


def _laid_out(sheet: Sheet, sections: Sequence[Section]) -> Iterator[model.Panel | model.RowPanel]:
    """Rows and panels with their places and numbers; panels beside each other are of one height."""
    number, y = 0, 0
    for section in sections:
        number += 1
        row = model.RowPanel(title=sheet.say(section.title), id_val=number)
        row.grid_pos = model.GridPos(h=1, w=24, x=0, y=y)
        yield row
        y += 1
        x = 0
        for panel in section.panels:
            number += 1
            size = panel.grid_pos or model.GridPos()
            panel.id_val, size.x, size.y = number, x, y
            yield panel
            x += size.w
            if x == 24:
                x, y = 0, y + size.h


def _variables(sheet: Sheet) -> Iterator[dashboard.QueryVariable | dashboard.DatasourceVariable]:
    everything = model.VariableOption(text=[sheet.say("All")], value=["$__all"])
    yield (
        dashboard.DatasourceVariable("datasource")
        .label(sheet.say("Data source"))
        .type("prometheus")
        .current(model.VariableOption(text="", value=""))
    )
    build = families.BUILD_INFO.name
    job = 'job=~"$job"'
    shop = 'shop=~"$shop"'
    instance = 'instance=~"$instance"'
    machine = f'machine="{sheet.faces.machine}"'
    till = f"{families.STATE_ENTERED.name}{{{job}, {shop}, {instance}, {machine}}}"
    for name, label, series, all_of_them in (
        ("job", "Job", build, ".+"),
        # A target may have no shop: then all of them are still to be seen.
        ("shop", "Shop", f"{build}{{{job}}}", ".*"),
        ("instance", "Instance", f"{build}{{{job}, {shop}}}", ".+"),
        ("till", "Till", till, ".+"),
    ):
        query = f"label_values({series}, {name})"
        variable = (
            dashboard.QueryVariable(name)
            .label(sheet.say(label))
            .datasource(DATASOURCE)
            .query(query)
            .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(model.VariableSort.NATURAL_ASC)
        )
        if name != "till" or not sheet.one:
            variable.multi(True).all_value(all_of_them)
        if name in ("job", "shop") or not sheet.one:
            variable.include_all(True).current(everything)
        yield variable


def _annotations(sheet: Sheet) -> Iterator[dashboard.AnnotationQuery]:
    """Of one till each by itself; of a fleet each shop's together, or there are thousands."""
    by = "instance, till" if sheet.one else "shop"
    text = "{{till}} {{instance}}" if sheet.one else "{{shop}}"
    taken_in = f"changes({sheet.of(families.RELOAD_TIME)}[$__rate_interval])"
    asked = [("Files taken in", COLOURS["blue"], taken_in)]
    for event, title, colour in (
        ("offline.hold", "Held offline by hand", COLOURS["orange"]),
        ("offline.release", "Released", COLOURS["green"]),
    ):
        if event in sheet.faces.events:
            asked.append((title, colour, sheet.rate(families.TRANSITIONS, f'event="{event}"')))
    for title, colour, expr in asked:
        yield _annotation(sheet, title, colour, f"sum by ({by}) ({expr}) > 0", text)


def _annotation(
    sheet: Sheet, title: str, colour: str, expr: str, text: str
) -> dashboard.AnnotationQuery:
    said = sheet.say(title)
    return (
        dashboard.AnnotationQuery()
        .name(said)
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color(colour)
        .expr(expr)
        .title_format(said)
        .text_format(text)
        .step("60s")
    )
