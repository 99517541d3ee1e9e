"""Names of datasets and columns: the only ones that ever reach SQL."""

import re
import unicodedata

from engine.catalogue.reserved import RESERVED

LONGEST = 60
OPERATION = "change"
"""The first column of an export of changes; no column of a dataset is called that."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN = ("tillwire_", "sqlite_")


def unfit_name(name: str, what: str) -> tuple[str, str]:
    """Why a name cannot be that of a ``dataset`` or ``column``, and what to do; empty if it can."""
    hint = f"A {what} is named with letters a to z, digits and '_', a letter first."
    if not _NAME.fullmatch(name):
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        near = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
        if _NAME.fullmatch(near) and near not in RESERVED:
            hint = f"{hint} '{near}' would do."
        return f"'{name}' cannot be the name of a {what}.", hint
    if len(name) > LONGEST:
        return f"The name '{name}' has {len(name)} characters; at most {LONGEST}.", ""
    if name in RESERVED:
        return f"'{name}' is a word of SQL.", f"Call it '{name}_{what}', say."
    for prefix in _TAKEN:
        if name.startswith(prefix):
            return f"Names that begin with '{prefix}' are not free.", "Choose another."
    if what == "column" and name == OPERATION:
        hint = "Exports of changes say so what is done with a row. Choose another."
        return f"No column can be called '{OPERATION}'.", hint
    return "", ""
