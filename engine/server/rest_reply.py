"""Replies of the REST service: a JSON object, or a failure with the server's own words."""

from engine.server import program
from engine.server.deadline import Deadline
from engine.server.reply import Reply, expect_kind, trouble

CONTENT = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"}
"""The headers of every request."""

_JSON = ("application/json", "text/json", "+json")


def answered(reply: Reply, deadline: Deadline) -> dict[str, object]:
    """The fields of a reply in JSON. Raises :class:`CallFailed` or ``program.Unfit``."""
    if reply.status != 200:
        raise trouble(reply, deadline, _words(reply))
    expect_kind(reply, deadline, _JSON, "JSON")
    fields = program.read_json(reply.body)
    if not isinstance(fields, dict):
        raise program.Unfit("it is JSON and not an object")
    return fields


def _words(reply: Reply) -> str:
    """The ``txterr`` of a 500, none where the body is something else."""
    try:
        words = program.look_up(program.read_json(reply.body), "txterr")
    except program.Unfit:
        return ""
    return program.shown(words) if isinstance(words, str) else ""
