"""Each dashboard leads to the other, and a row to its till."""

import re
from typing import Any

from metrics.dashboards.queries import committed, panels

TABLES_WITH_LINKS = 15


def test_each_leads_to_the_other_of_its_language(dashboard: dict[str, Any]) -> None:
    """With what was chosen, and the time that is shown."""
    (link,) = dashboard["links"]
    there = {"fleet": "till", "till": "fleet"}
    name, language = re.findall(r"connection-(fleet|till)-?(fr)?$", dashboard["uid"])[0]
    other = committed(there[name], language or "en")
    assert (link["url"], link["type"]) == (f"/d/{other['uid']}", "link")
    assert (link["includeVars"], link["keepTime"]) == (True, True)


def test_a_row_of_the_worst_leads_to_its_till() -> None:
    """To its dashboard, and to the page that its agent serves where it is scraped."""
    fleet, till = committed("fleet"), committed("till")
    tables = [panel for panel in panels(fleet) if panel["type"] == "table"]
    assert len(tables) == TABLES_WITH_LINKS
    for table in tables:
        here, page = table["fieldConfig"]["defaults"]["links"]
        assert here["url"].startswith(f"/d/{till['uid']}?")
        assert "&var-instance=${__data.fields.instance}" in here["url"]
        assert page["url"].startswith("http://${__data.fields.instance}/")
        assert (here["targetBlank"], page["targetBlank"]) == (False, True)
        assert "till" in table["fieldConfig"]["defaults"]["links"][0]["url"]


def test_a_state_leads_to_the_till_s_own_page() -> None:
    """From the timeline of its states."""
    (timeline,) = (each for each in panels(committed("till")) if each["type"] == "state-timeline")
    (page,) = timeline["fieldConfig"]["defaults"]["links"]
    assert page["url"] == "http://${__field.labels.instance}/?till=${__field.labels.till}"


def test_reloads_and_holds_are_marked(dashboard: dict[str, Any]) -> None:
    """Of one till each by itself, of a fleet by shop."""
    by = "shop" if "connection-fleet" in dashboard["uid"] else "instance, till"
    reloads, *holds = dashboard["annotations"]["list"]
    assert reloads["expr"].startswith(f"sum by ({by}) (changes(tillwire_config_last_reload_success")
    assert [re.findall(r'event="([\w.]+)"', hold["expr"]) for hold in holds] == [
        ["offline.hold"],
        ["offline.release"],
    ]
    assert all(hold["expr"].startswith(f"sum by ({by}) (rate(") for hold in holds)
    assert all(each["enable"] for each in dashboard["annotations"]["list"])
