"""Which language a browser gets, and how a catalogue is read."""

import gettext
import io

import pytest

from engine.api.page.languages import catalogue, choose, compiled, entries


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("de-DE,de;q=0.9,fr;q=0.5,en;q=0.4", "fr"),
        ("de, es", "en"),
        ("FR-ca", "fr"),
        ("en;q=0, fr;q=0.1", "fr"),
        ("fr;q=0", "en"),
        ("*", "en"),
        ("fr;q=., en;q=0.2", "en"),
        (";;;,,=q, fr ; q = 0.3", "fr"),
        ("x" * 100_000, "en"),
    ],
)
def test_the_language_with_the_highest_weight_that_we_speak_is_chosen(
    accepted: str, language: str
) -> None:
    """A header of any form gives French or English; English when it asks for neither."""
    assert choose(accepted) == language


def test_a_catalogue_is_read_with_its_escapes_and_its_lines_put_together() -> None:
    """Quotes, backslashes and texts over several lines come out as they are meant."""
    text = (
        '# head\nmsgid ""\nmsgstr "Language: fr\\n"\n\nmsgid "a \\"b\\""\nmsgstr ""\n"é\\\\"\n"f"\n'
    )
    assert dict(entries(text)) == {"": "Language: fr\n", 'a "b"': "é\\f"}


@pytest.mark.parametrize(
    ("text", "line"), [('msgid "a', 1), ('msgid "a"\nmsgstr b', 2), ('"stray"', 1)]
)
def test_a_broken_catalogue_names_its_line(text: str, line: int) -> None:
    """A text that is no text in quotes is refused with its line."""
    with pytest.raises(ValueError, match=f"line {line}: "):
        list(entries(text))


def test_a_compiled_catalogue_is_one_that_the_stdlib_reads() -> None:
    """Every text is found again, also those that are not ASCII."""
    texts = {"": "Content-Type: text/plain; charset=UTF-8\n", "a": "é", "Zoé": "…", "b": "b"}
    read = gettext.GNUTranslations(io.BytesIO(compiled(texts)))
    assert [read.gettext(key) for key in ("a", "Zoé", "b", "not there")] == [
        "é",
        "…",
        "b",
        "not there",
    ]


def test_english_is_what_is_asked_for_and_french_is_looked_up() -> None:
    """The keys are the English texts."""
    assert catalogue("en").gettext("Next try") == "Next try"
    assert catalogue("fr").gettext("Next try") == "Prochain essai"
