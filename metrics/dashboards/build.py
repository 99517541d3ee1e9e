"""Builds the dashboards of a machine; ``make dashboards`` renews the committed ones."""

import json
from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from engine.definition.machine import Definition
from metrics.dashboards.faces import Language, faces_of
from metrics.dashboards.fleet import fleet
from metrics.dashboards.sheet import Sheet
from metrics.dashboards.till import till


def dashboards(
    definition: Definition, language: Language = "en", recorded: bool = False
) -> Mapping[str, str]:
    """The dashboards of a machine: JSON as Grafana imports it, by the name of its file.

    With ``recorded`` the fleet's reads the recording rules where it adds up tills.
    """
    faces = faces_of(definition)
    made = {
        "fleet.json": fleet(Sheet(faces, language, recorded=recorded)),
        "till.json": till(Sheet(faces, language, one=True)),
    }
    return {
        name: json.dumps(each, cls=JSONEncoder, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
        for name, each in made.items()
    }


def remarks(definition: Definition) -> Sequence[str]:
    """What who made them should know: which states have a number of the dashboards' own."""
    own = [face for face in faces_of(definition).states if not face.coded]
    if not own:
        return ()
    told = ", ".join(f"{face.id} {face.number}" for face in own)
    remark = (
        f"States without a code have a number of the dashboards' own: {told}. "
        "Give each a `code`, so that its number stays when the file changes."
    )
    return (remark,)
