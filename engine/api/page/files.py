"""The files of the page, as they are sent: read once, the texts of the templates filled in.

A template has ``{{English text}}`` where a text goes, ``{{=texts}}`` where the scripts find
theirs, ``{{=symbols}}`` for the shapes of the icon and ``{{=language}}``. A script asks for a text
with ``text("English text")``.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path

from engine.api.page.icon import symbols
from engine.api.page.languages import Language, catalogue

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
MARKED = re.compile(r"\{\{(=?)(.+?)\}\}")
ASKED = re.compile(r'\btext\(\s*"((?:[^"\\]|\\.)*)"')

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Nothing from elsewhere, nothing inline, no text that turns into code."""

ALONE = f"{POLICY}; frame-ancestors 'none'"
"""The page has buttons: no other page may put it under a visitor's finger."""


def content(name: str) -> tuple[str, str] | None:
    """A style sheet or a script and its media type; None when there is no such file."""
    found = _contents().get(name)
    return None if found is None else (found, TYPES[Path(name).suffix])


@cache
def _contents() -> dict[str, str]:
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(FOLDER.iterdir())
        if path.suffix in TYPES
    }


@cache
def page(name: str, language: Language) -> str:
    """A template in a language."""
    say = catalogue(language).gettext
    inserted = {"texts": _texts(language), "symbols": symbols(), "language": language}

    def filled(match: re.Match[str]) -> str:
        return inserted[match[2]] if match[1] else escape(say(match[2]))

    return MARKED.sub(filled, (FOLDER / f"{name}.html").read_text(encoding="utf-8"))


def _texts(language: Language) -> str:
    say = catalogue(language).gettext
    texts = {key: say(key) for key in sorted(set(asked()))}
    # "</script>" in a text would end the element that holds it
    return json.dumps(texts, ensure_ascii=False).replace("<", "\\u003c")


def asked() -> Iterator[str]:
    """Every text that a script asks for."""
    for name, script in _contents().items():
        if name.endswith(".js"):
            for written in ASKED.findall(script):
                yield json.loads(f'"{written}"')


def marked() -> Iterator[str]:
    """Every text that a template has."""
    for path in sorted(FOLDER.glob("*.html")):
        for special, written in MARKED.findall(path.read_text(encoding="utf-8")):
            if not special:
                yield written
