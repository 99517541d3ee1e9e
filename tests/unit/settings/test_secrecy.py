"""No secret of a till.yaml is ever repeated, however the file is broken."""

import contextlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.definition.report import report
from engine.definition.secrecy import is_secret, veil
from engine.problems import Problem, Refused
from engine.settings import load_settings
from engine.tools.check import check
from engine.tools.config import show

Refusal = Callable[[str], list[Problem]]

HEAD = "shop: '1'\ntill: '1'\n"
SOAP = f"{HEAD}server:\n  protocol: soap\n  url: http://server.example\n"


def _shown(problems: list[Problem]) -> str:
    return report(problems) + "".join(map(repr, problems))


@pytest.mark.parametrize(
    "text",
    [
        (
            f"{HEAD}server:\n  protocol: soap\n"
            "  url: http://bob:Geheim@h.example/api?apikey=Geheim\n"
            "  url: http://bob:Geheim@h.example/api\n"
        ),
        f"{SOAP}  auth:\n    user: u\n    password: Pa,Geheim}}im2\n    password: Pa,Geheim}}im2\n",
        f"{SOAP}  auth:\n    user: u\n    mot_de_passe: Geheim\n    mot_de_passe: Geheim\n",
        f"{SOAP}  auth: {{user: u, pasword: Geheim}}\n  auth: {{user: u, pasword: Geheim}}\n",
        f"{SOAP}  auth: {{user: u, password: Pa,Geheim: im2}}\n",
        f"{SOAP}  auth: {{user: u, password: Pa,Geheim}}im2}}\n",
        f"{SOAP}  auht:\n    user: u\n    code: Geheim\n    code: Geheim\n",
        f"{HEAD}server:\n  protocol: soap\n  url: http://h.example/api?access_token=Geheim\n",
        f"{HEAD}server:\n  protocol: soap\n  url: http://bob:Geheim\n",
        f"{HEAD}server:\n  protocol: soap\n  url:\n    http://bob:\n    Geheim@h\n  url: x\n",
        f"{SOAP}  auth:\n    user: u\n    password:\n      Geheim\n    pwd: |\n      Geheim\n",
        f"{SOAP}  auth:\n    user: u\n    password:\n    Geheim\n",
        f"{SOAP}  auth:\n    user: u\n    password Geheim\n",
        f"{SOAP}  auth:\n    user: u\n    password: *Geheim\n",
        f"{SOAP}  auth:\n    user: u\n    password: !Geheim x\n",
        f"{SOAP}  auth:\n    user: u\n    ? password\n    : Geheim\n    lifetime: 3\n",
        f"{SOAP}  auth:\n    user: u\n    lifetime: Geheim\n",
        f"{SOAP}api: {{token: [Geheim]}}\n",
        f"{SOAP}api:\n  token:\n  - Geheim\n",
        f'{SOAP}api:\n  token: "ab\nGeheim\n"\n',
        f"{SOAP}api:\n\ttoken: Geheim\n",
        f"{HEAD}server:\n  protocol soap\n  url http://bob:Geheim@h.example\n",
        f"{SOAP}  actions: {{ping: {{parameters: {{PASSWORD: Geheim}}}}}}\n",
        f"{SOAP}  actions: {{ping: {{parameters: {{USERPWD: 'x{{Geheim}}'}}}}}}\n",
    ],
)
def test_a_secret_stays_hidden_in_a_broken_file(refusal: Refusal, text: str) -> None:
    """Neither a sentence nor a quoted line repeats it."""
    assert "Geheim" not in _shown(refusal(text))


@pytest.mark.parametrize(
    "line",
    [
        "log: {levl: info}",
        "api: {token: '${file:till.token}'}",
        "api: {token: ${env:TOKEN}, prot: 8344}",
        "    body: {login: '${env:A}', password: '${env:B}'}",
        "url: https://server.example:8443/a/b-c",
        "allowed_origins: ['https://a.example', \"http://b:80\"]",
        "path: C:/data/till.db",
        "guard: failures // 2 > 1 and event.customer == 'a@b'",
        "pause: {log: x}",
        "path: tillwire.db",
    ],
)
def test_a_line_without_a_secret_is_shown_as_it_is(line: str) -> None:
    """References and ordinary addresses are no secrets."""
    assert veil((line,)).line(1) == line


def test_a_missing_token_is_shown_with_its_reference(refusal: Refusal) -> None:
    """The line that names the file is whole, and so is the line of a misspelt key."""
    found = refusal(f"{SOAP}api: {{token: '${{file:till.token}}', prot: 1}}\nlog: {{levl: info}}\n")
    assert [problem.text for problem in found] == [
        "api: {token: '${file:till.token}', prot: 1}",
        "log: {levl: info}",
    ]


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password", True),
        ("PWD", True),
        ("USER_PASSWORD2", True),
        ("mot_de_passe", True),
        ("motdepasse", True),
        ("accessToken", True),
        ("api-key", True),
        ("DOS", False),
        ("login", False),
        ("ticket_batch", False),
        ("bypass", False),
        ("ACTION", False),
    ],
)
def test_a_name_tells_whether_it_holds_a_secret(name: str, secret: bool) -> None:
    """However it is written, in English, French or German."""
    assert is_secret(name) is secret


BEGIN, END = "Qzxv", "Wkjy"
JUNK = st.text("ab1 ,:{}[]'\"#&*!|>@?/\\%-=", max_size=6)
SECRETS = st.builds(lambda junk: f"{BEGIN}{junk}{END}", JUNK)

TEMPLATES = (
    (
        "shop: '1'\ntill: '1'\nserver:\n  protocol: soap\n  url: http://h.example/api\n"
        "  auth:\n    user: u\n    password: @\napi:\n  port: 8344\nlog:\n  level: info\n"
    ),
    (
        "shop: '1'\ntill: '1'\nserver:\n  protocol: rest\n  url: http://h.example\n"
        "  auth:\n    body:\n      login: l\n      password: @\n      pin: @\nworkers: 2\n"
    ),
    (
        "shop: '1'\ntill: '1'\nserver: {protocol: soap, url: 'http://h', "
        "auth: {user: u, password: @}}\napi: {token: @}\n"
    ),
    (
        "shop: '1'\ntill: '1'\nserver:\n  protocol: soap\n  url: http://bob:@@h.example/api\n"
        "api:\n  token: @\n  port: 8344\nlog: {level: info}\n"
    ),
    (
        "shop: '1'\ntill: '1'\nserver:\n  protocol: soap\n  url: http://h.example/api?access=@\n"
        "  actions:\n    ping:\n      parameters: {ACTION: '{action}', PASSWORD: @}\n"
    ),
)
NAMES = ("password", "token", "auth", "url", "body", "api", "server", "user", "PASSWORD", "log")


def _misspelt(draw: st.DrawFn, text: str) -> str:
    """One letter of a key is lost, doubled or exchanged with the next."""
    name = draw(st.sampled_from(NAMES))
    at = draw(st.integers(1, len(name) - 2)) if len(name) > 3 else 1
    how = draw(st.sampled_from(("lost", "doubled", "swapped")))
    other = {
        "lost": name[:at] + name[at + 1 :],
        "doubled": name[:at] + name[at] + name[at:],
        "swapped": name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :],
    }[how]
    return re.sub(rf"\b{name}:", f"{other}:", text)


def _line_changed(draw: st.DrawFn, text: str) -> str:
    """One line comes twice, or gets a tab, another indentation, an anchor or rubbish."""
    lines = text.split("\n")
    at = draw(st.integers(0, len(lines) - 1))
    line = lines[at]
    how = draw(st.sampled_from(("twice", "tab", "deeper", "anchor", "rubbish", "no colon", "?")))
    if how == "twice":
        lines.insert(at, line)
    elif how == "tab":
        lines[at] = f"\t{line.lstrip()}"
    elif how == "deeper":
        lines[at] = f"   {line}"
    elif how == "anchor":
        lines[at] = line.replace(": ", draw(st.sampled_from((": &a ", ": !t ", ": !!str "))), 1)
    elif how == "rubbish":
        lines[at] = line + draw(st.sampled_from(("]", "}", "'", '"', ": [", " # x", ",", ": x")))
    elif how == "no colon":
        lines[at] = line.replace(": ", " ", 1)
    else:
        lines.insert(at, "nonsense: [")
    return "\n".join(lines)


@st.composite
def _broken(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(TEMPLATES))
    secret = draw(SECRETS)
    written = draw(
        st.sampled_from(
            (
                secret,
                f"'{secret}'",
                f'"{secret}"',
                f"\n        {secret}",
                f"|\n        {secret}",
                f"[{secret}]",
                f"*{secret}",
                f"{{x: {secret}}}",
            )
        )
    )
    text = (
        text.replace(":@@", f":{secret}@")
        .replace("=@", f"={secret}")
        .replace(": @", f": {written}")
    )
    for _ in range(draw(st.integers(0, 3))):
        change = draw(st.sampled_from((_misspelt, _line_changed)))
        text = change(draw, text)
    return text[: draw(st.integers(len(text) // 2, len(text)))] if draw(st.booleans()) else text


def _everything_shown(file: Path) -> str:
    """What ``check``, ``config show`` and ``run`` print, for people and as JSON."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        for as_json in (False, True):
            check([file], as_json, strict=False)
            try:
                show(file, as_json)
            except Refused as refused:
                print(report(refused.problems), refused)
                print(json.dumps([problem.as_data() for problem in refused.problems]))
    try:
        load_settings(file)
    except Refused as refused:
        return out.getvalue() + report(refused.problems)
    return out.getvalue()


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=_broken())
def test_no_way_to_break_a_file_shows_its_secret(tmp_path: Path, text: str) -> None:
    """Neither the beginning nor the end of a secret is ever printed."""
    file = tmp_path / "till.yaml"
    file.write_text(text, encoding="utf-8", newline="")
    shown = _everything_shown(file)
    assert BEGIN not in shown
    assert END not in shown


def test_a_very_long_line_is_shown_in_part_and_hides_what_follows_it() -> None:
    """Its end was not looked at: it may hold a secret, or open one that goes on below."""
    lines = (f"a: {'x' * 2000} Geheim, token:", "  Geheim", "b: 1")
    found = veil(lines)
    assert "Geheim" not in found.line(1) + found.line(2)
    assert len(found.line(1)) < 1100
    assert found.line(3) == "b: 1"
