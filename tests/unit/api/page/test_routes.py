"""The page and its files, as they are served."""

import re
from typing import Any

import pytest

from engine.api.page.files import FOLDER

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
}


@pytest.mark.parametrize("path", ["/", "/widget"])
@pytest.mark.parametrize(
    ("query", "accepted", "language", "words"),
    [
        ("", "fr-FR,fr;q=0.9", "fr", "La caisse et son serveur central"),
        ("", "en-GB", "en", "The till and its central server"),
        ("?lang=en", "fr", "en", "The till and its central server"),
        ("?lang=fr", "en", "fr", "La caisse et son serveur central"),
    ],
)
def test_a_page_comes_in_the_language_of_the_browser_or_of_its_address(
    ask: Any, path: str, query: str, accepted: str, language: str, words: str
) -> None:
    """Texts, lang and Content-Language agree, and nothing is left to fill in."""
    reply = ask("GET", path + query, token=None, headers={"Accept-Language": accepted})
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-language"] == language
    assert f'<html lang="{language}">' in reply.text
    assert words in reply.text
    assert "{{" not in reply.text


def test_another_language_is_refused_in_a_sentence(refusal: Any) -> None:
    """What is allowed is said."""
    status, error, message, _ = refusal("GET", "/?lang=de")
    assert (status, error) == (422, "invalid_request")
    assert "'en' or 'fr'" in message


def test_the_policy_of_the_page_lets_nothing_in_and_no_other_page_around(ask: Any) -> None:
    """Own files only, nothing inline, and no frame: the page has buttons."""
    policy = ask("GET", "/", token=None).headers["content-security-policy"]
    assert set(policy.split("; ")) == {*POLICY, "frame-ancestors 'none'"}


def test_the_widget_may_be_embedded_and_has_nothing_to_press(ask: Any) -> None:
    """A till program's page may frame it, so it has no button and no link."""
    reply = ask("GET", "/widget", token=None)
    assert set(reply.headers["content-security-policy"].split("; ")) == POLICY
    assert not re.search(r"<(button|a|input|form)\b", reply.text)


@pytest.mark.parametrize("path", ["/", "/widget", "/page/page.js", "/v1/machine"])
def test_head_answers_as_get_without_a_body(ask: Any, path: str) -> None:
    """Monitors may ask for the head alone."""
    reply = ask("HEAD", path, token=None)
    assert (reply.status_code, reply.content) == (200, b"")


def test_every_file_that_the_page_names_is_served_with_its_type(ask: Any) -> None:
    """Templates and scripts name only files that are there, and each has its media type."""
    texts = [path.read_text("utf-8") for path in FOLDER.iterdir()]
    named = {name for text in texts for name in re.findall(r'"/page/([^"]+)"', text)}
    named |= {name for text in texts for name in re.findall(r'from "\./([^"]+)"', text)}
    assert {"page.js", "page.css", "widget.js", "texts.js", "icon.svg"} <= named
    types = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    for name in named:
        reply = ask("GET", f"/page/{name}", token=None)
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith(types[name.rpartition(".")[2]])
        assert reply.text == (FOLDER / name).read_text("utf-8")


@pytest.mark.parametrize("name", ["page.html", "other.js", "..%2ffiles.py", "%2e%2e", "x" * 64])
def test_no_other_file_is_served(refusal: Any, name: str) -> None:
    """Templates, files of the package and files that are not there are all no route."""
    assert refusal("GET", f"/page/{name}", token=None)[:2] == (404, "unknown_route")


def test_the_page_cannot_be_posted_to(refusal: Any) -> None:
    """The page only shows; what changes something has routes of its own."""
    assert refusal("POST", "/", content=b"")[:2] == (405, "unknown_method")
