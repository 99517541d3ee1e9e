"""What of a till.yaml stays local, and that the imported text is kept around it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.definition.reader import read
from engine.problems import Refused
from engine.tools.init import init
from engine.tools.lines import dumped
from engine.tools.local_part import LOCAL, Joined, join, look

HERE = """\
# This till.
shop: '0042'
till: '01'
server:
  protocol: soap
  url: http://old.example
  auth:
    user: till01
    password: ${file:server.password}   # only here
  actions:
    ping:
      parameters:
        KEY: '${env:KEY}'

# The file of tickets.
database:
  path: tickets.db
  # its lock lies beside it

api:
  port: 9000
  token: ${file:till.token}
"""

THERE = """\
# The settings of the shop.
parameters:
  # every minute
  ticket_sync_interval: 1min

server:
  protocol: soap
  url: http://new.example   # moved in May
  auth: {user: other, password: '${file:other}'}
  settle: 3min
  # the last line of the server
# the database, which nobody may change
database:
  path: elsewhere.db
log:
  level: debug
workers: 2
"""

JOINED = """\
shop: '0042'
till: '01'

# The settings of the shop.
parameters:
  # every minute
  ticket_sync_interval: 1min

server:
  protocol: soap
  url: http://new.example   # moved in May
  auth:
    user: till01
    password: ${file:server.password}   # only here
  settle: 3min
  # the last line of the server
# the database, which nobody may change
database:
  path: tickets.db
  # its lock lies beside it
workers: 2

api:
  port: 9000
  token: ${file:till.token}
"""


def joined(there: str, here: str = HERE) -> Joined:
    return join(read(there, "there.yaml"), read(here, "till.yaml"))


def test_the_local_lines_are_put_into_the_imported_text() -> None:
    """Its comments stay, and so do those inside a local key; what is not here goes."""
    found = joined(THERE)
    assert found.text == JOINED
    assert found.comments
    assert found.kept == ("database", "log", "server.auth")


def test_a_second_import_of_the_same_file_changes_nothing() -> None:
    """Whatever the order and the comments of the file here were at first."""
    assert joined(THERE, joined(THERE).text).text == joined(THERE).text


def test_comments_at_the_end_of_a_block_are_not_doubled_by_imports(tmp_path: Path) -> None:
    """As `tillwire init` writes them: deeper than the key that follows."""
    assert init(tmp_path / "till.yaml", defaults=True, force=False) == 0
    here = (tmp_path / "till.yaml").read_text(encoding="utf-8")
    there = "server:\n  protocol: soap\n  url: http://new.example\n"
    once = joined(there, here).text
    assert once.count("# allowed_origins") == once.count("# level") == 1
    assert joined(there, once).text == once


def test_keys_inside_braces_cost_the_comments_and_nothing_else() -> None:
    """The outcome says so; what the file means is the same."""
    there = "# a comment\nserver: {protocol: soap, url: 'http://a.example', auth: {user: x}}\n"
    found = joined(there)
    assert not found.comments
    assert "# a comment" not in found.text
    data = read(found.text, "").data
    assert data["server"]["auth"]["password"] == "${file:server.password}"
    assert data["server"]["url"] == "http://a.example"
    assert joined(found.text).text == found.text


def test_a_reference_to_a_secret_is_the_one_of_here() -> None:
    """At the same key; the file from outside names another variable."""
    there = THERE.replace(
        "  settle: 3min\n",
        "  actions:\n    ping:\n      parameters:\n        KEY: ${env:HOME}  # theirs\n",
    )
    found = joined(there)
    assert look(read(found.text, "").data, ("server", "actions", "ping", "parameters")) == {
        "KEY": "${env:KEY}"
    }
    assert "server.actions.ping.parameters.KEY" in found.kept
    assert found.comments


def test_a_reference_that_is_not_here_is_refused() -> None:
    """Else whoever writes the file could have any file of this machine sent to the server."""
    there = THERE.replace(
        "  settle: 3min\n",
        "  actions:\n    ping:\n      parameters:\n        TEXT: ${file:/etc/shadow}\n",
    )
    with pytest.raises(Refused) as caught:
        joined(there)
    (problem,) = caught.value.problems
    assert problem.place == "there.yaml:13:9"
    assert problem.message == (
        "'server.actions.ping.parameters.TEXT' refers to a secret that this till's own file does "
        "not have."
    )


@pytest.mark.parametrize("there", ["", "# nothing\n", "- a\n", "text\n"])
def test_a_file_that_is_no_mapping_is_refused(there: str) -> None:
    with pytest.raises(Refused, match=r"The file is empty|This is no mapping of keys"):
        joined(there)


def test_a_part_of_the_catalogue_stays_where_there_is_a_catalogue() -> None:
    """Folders of this machine are local; which datasets there are is not."""
    here = HERE + "catalogue:\n    datasets: old.yaml\n    path: /var/catalogue.db\n"
    there = THERE + "catalogue:\n  datasets: datasets.yaml\n  downloads: /tmp/x\n"
    data = read(joined(there, here).text, "").data
    assert data["catalogue"] == {"datasets": "datasets.yaml", "path": "/var/catalogue.db"}
    assert "catalogue" not in read(joined(THERE, here).text, "").data


def test_lines_that_end_as_on_windows_or_not_at_all_are_read() -> None:
    assert joined(THERE.replace("\n", "\r\n").rstrip()).text == JOINED


def test_the_page_names_every_local_key() -> None:
    """docs/configuration.md has them in one table, and no other."""
    page = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
    table = page.partition("| stays local |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    named = set(re.findall(r"`([\w.]+)`", " ".join(rows)))
    assert named == {".".join(way) for way in LOCAL}


KEYS = [".".join(way) for way in LOCAL] + ["workers", "machine", "parameters.a", "server.url"]
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | TEXTS | st.floats(0, 9, width=16),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "b", "on", "1"]) | TEXTS, inner, max_size=2)
    ),
    max_leaves=4,
)


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """``{"a.b": 1}`` as ``{"a": {"b": 1}}``."""
    data: dict[str, Any] = {}
    for name, value in flat.items():
        above, _, last = name.rpartition(".")
        (data.setdefault(above, {}) if above else data)[last] = value
    return data


FILES = st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1).map(nested)


@settings(max_examples=100, deadline=None)
@given(FILES, FILES, st.booleans())
def test_whatever_the_files_hold_each_key_has_the_right_origin(
    there: dict[str, Any], here: dict[str, Any], flow: bool
) -> None:
    """Local keys are as here, there or not; all others as in the imported file."""
    text = json.dumps(there, ensure_ascii=False) if flow else dumped(there)
    data = read(joined(text, dumped(here)).text, "").data
    for way in LOCAL:
        if isinstance(look(there, way[:-1]), dict):
            assert same(look(data, way), look(here, way))
    for way in (("workers",), ("machine",), ("parameters",), ("server", "url")):
        assert same(look(data, way), look(there, way))


def same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
