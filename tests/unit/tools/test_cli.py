"""The command: its verbs, their help, its exit codes."""

import errno
import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine import __version__, cli, streams
from engine.agent.clock import SystemClock
from engine.agent.process import CannotRun
from engine.cli.agent import asked_for
from engine.effects.table import VOCABULARY
from engine.settings import Settings, load_definition
from engine.shipped import shipped_machine

TEXT = "shop: '1'\ntill: '1'\nserver: {protocol: soap, url: 'http://server.example'}\n"
VERBS = (
    ("run",),
    ("demo",),
    ("lab",),
    ("check",),
    ("status",),
    ("support",),
    ("reload",),
    ("init",),
    ("config", "show"),
    ("schema",),
    ("diagram",),
    ("dashboard",),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A till.yaml without fault."""
    file = tmp_path / "till.yaml"
    file.write_text(TEXT, encoding="utf-8")
    return file


def test_version(tillwire: Any) -> None:
    """The name and the version, exit code 0."""
    result = tillwire("--version")
    assert (result.code, result.out) == (0, f"tillwire {__version__}\n")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(tillwire: Any, verb: tuple[str, ...]) -> None:
    """The example is a line that can be typed."""
    result = tillwire(*verb, "--help")
    assert result.code == 0
    assert f"Example: tillwire {' '.join(verb)}" in " ".join(result.out.split())


def test_the_help_names_every_verb(tillwire: Any) -> None:
    """Nothing is hidden."""
    text = tillwire("--help").out
    for verb in VERBS:
        assert f"  {verb[0]}  " in text, verb


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("chek",), "No such command 'chek'"),
        (("check",), "Missing argument 'FILE'"),
        (("run", "--fast"), "No such option: --fast"),
        (("demo", "--for", "60"), "'60' is not a duration"),
        (("config", "hide"), "No such command 'hide'"),
        (("load", "wrong"), "for 'KIND': 'wrong' is not one of them. Allowed: changes, full."),
        (("load", "fulll"), "Did you mean 'full'?"),
        (("diagram", "--format", "png"), "Allowed: mermaid, svg, text."),
        (("diagram", "--language", "de"), "Allowed: en, fr."),
    ],
)
def test_wrong_usage_is_a_sentence(
    tillwire: Any, arguments: tuple[str, ...], sentence: str
) -> None:
    """Exit code 2, nothing on standard output, no traceback."""
    result = tillwire(*arguments)
    assert (result.code, result.out) == (2, "")
    assert sentence in result.err
    assert "Traceback" not in result.err


def test_a_refused_file_is_a_report_and_1(tillwire: Any, path: Path) -> None:
    """Every verb that reads a till.yaml says what is wrong with it."""
    path.write_text(f"{TEXT}workerz: 1\n", encoding="utf-8")
    for arguments in (("run", "-c", path), ("status", "-c", path), ("config", "show", "-c", path)):
        result = tillwire(*arguments)
        assert (result.code, result.out) == (1, "")
        assert result.err == (
            f"{path}:4:1: error: Unknown key 'workerz'. [unknown-key]\n"
            "    workerz: 1\n    ^\n    Did you mean 'workers'?\n"
        )


def test_an_unknown_fault_is_one_sentence_and_70(
    tillwire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sees it can still say what happened."""
    monkeypatch.setattr("engine.tools.check.check", _broken)
    monkeypatch.delenv("TILLWIRE_DEBUG", raising=False)
    result = tillwire("check", "x.yaml")
    assert (result.code, result.out) == (70, "")
    assert result.err == (
        "tillwire met a fault that it does not know: KeyError: 'x'. "
        "Run the command again with TILLWIRE_DEBUG=1 for the details to report.\n"
    )


def test_the_traceback_is_there_for_those_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """With TILLWIRE_DEBUG=1 the exception comes out as it is."""
    monkeypatch.setattr("engine.tools.check.check", _broken)
    monkeypatch.setenv("TILLWIRE_DEBUG", "1")
    with pytest.raises(KeyError):
        cli.main(["check", "x.yaml"])


def _broken(*_arguments: object) -> int:
    raise KeyError("x")


def test_ctrl_c_is_130(tillwire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell has it."""

    def interrupted(*_arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.tools.check.check", interrupted)
    assert tillwire("check", "x.yaml").code == 130


@pytest.mark.parametrize(
    ("words", "config"),
    [
        ("run", "till.yaml"),
        ("run -c a.yaml", "a.yaml"),
        ("run --config b/a.yaml", "b/a.yaml"),
        ("run --config=a.yaml", None),
        ("run -c -c", None),
        ("run -c ~/a.yaml", None),
        ("run -c a.yaml extra", None),
        ("run --help", None),
        ("check a.yaml", None),
        ("", None),
    ],
)
def test_the_plainest_words_for_an_agent_are_known(words: str, config: str | None) -> None:
    """What is not quite plain is for the reader of command lines."""
    assert asked_for(words.split()) == (None if config is None else Path(config))


@pytest.mark.parametrize("option", ["-c", "--config="])
def test_run_hands_settings_and_metrics_to_the_agent(
    tillwire: Any, path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    """The agent's answer is the exit code; the metrics know the machine's states."""
    given = []

    def run(settings: Settings, watching: Any, last: None) -> int:
        assert last is None
        metrics = watching(load_definition(settings, VOCABULARY), SystemClock())
        metrics.add_till("1", ("offline-cooldown",), {"offline-cooldown": 0.0})
        given.extend([settings.shop, b"".join(metrics.chunks("")[0]).decode()])
        return 5

    monkeypatch.setattr("engine.agent.process.run", run)
    words = [f"{option}{path}"] if option[-1] == "=" else [option, path]
    assert tillwire("run", *words).code == 5
    assert given[0] == "1"
    line = 'tillwire_state{till="1",machine="connection",state="offline-cooldown"} 1'
    assert line in given[1]


def test_an_agent_that_cannot_run_says_why(
    tillwire: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent's sentence and exit code 1."""

    def run(*_arguments: object) -> int:
        raise CannotRun("Port 8344 is in use.")

    monkeypatch.setattr("engine.agent.process.run", run)
    result = tillwire("run", "-c", path)
    assert (result.code, result.out, result.err) == (
        1,
        "",
        "tillwire cannot run: Port 8344 is in use.\n",
    )


def test_lab_gets_its_knobs(tillwire: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The lab's answer is the exit code."""
    given: list[Any] = []

    def serve(*arguments: object) -> int:
        given.append(arguments)
        return 0

    monkeypatch.setattr("engine.lab.serve.serve", serve)
    assert tillwire("lab").code == 0
    options = ("--port", "0", "--storage", tmp_path, "--stores-twice", "--no-status")
    assert tillwire("lab", *options, "--ftp-folder", tmp_path).code == 0
    assert given == [
        ("127.0.0.1", 8080, 8081, None, True, True, None),
        ("127.0.0.1", 0, 8081, tmp_path, False, False, (tmp_path, 2121)),
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [((), (None, False)), (("--for", "1min30"), (90.0, False)), (("--json",), (None, True))],
)
def test_demo_gets_seconds(
    tillwire: Any, monkeypatch: pytest.MonkeyPatch, arguments: Any, expected: Any
) -> None:
    """A duration is written as in the files."""
    given = []

    def demo(duration: float | None, json: bool) -> int:
        given.append((duration, json))
        return 0

    monkeypatch.setitem(sys.modules, "engine.tools.demo", SimpleNamespace(demo=demo))
    assert tillwire("demo", *arguments).code == 0
    assert given == [expected]


def test_status_finds_the_agent_of_a_till_yaml(
    tillwire: Any, path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """--url first, then the file named, then the file here, then the usual port."""
    asked = []

    def status(url: str, _json: bool) -> int:
        asked.append(url)
        return 0

    monkeypatch.setattr("engine.tools.status.status", status)
    path.write_text(f"{TEXT}api: {{port: 9000}}\n", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    tillwire("status")
    tillwire("status", "-c", path)
    tillwire("status", "-c", path, "--url", "http://there:1")
    monkeypatch.chdir(tmp_path)
    tillwire("status")
    assert asked == [
        "http://127.0.0.1:8344",
        "http://127.0.0.1:9000",
        "http://there:1",
        "http://127.0.0.1:9000",
    ]


def test_a_console_of_another_code_page_shows_question_marks(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    """A Windows console that has no sign for a character is no reason to fail."""
    raw = io.BytesIO()
    console = io.TextIOWrapper(raw, encoding="cp1252", errors="strict")
    monkeypatch.setattr(console, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", console)
    strange = path.rename(path.with_name("caisse-№1.yaml"))
    with pytest.raises(SystemExit) as caught:
        cli.main(["check", str(strange)])
    console.flush()
    assert caught.value.code == 0
    assert b"caisse-?1.yaml: good" in raw.getvalue()
    console.detach()


@pytest.mark.parametrize(("system", "encoding"), [("nt", "utf-8"), ("posix", "cp1252")])
def test_windows_gives_a_file_or_a_program_utf_8(
    monkeypatch: pytest.MonkeyPatch, system: str, encoding: str
) -> None:
    """Not its old code page; elsewhere the encoding is what the system says."""
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    raw = io.BytesIO()
    pipe = io.TextIOWrapper(raw, encoding="cp1252", errors="strict")
    streams.make_tolerant(pipe, system)
    pipe.write("opérée \u2192")
    pipe.flush()
    assert raw.getvalue() == "opérée \u2192".encode(encoding, "replace")


class _Full(io.StringIO):
    """An output that takes nothing."""

    def write(self, _: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("command", [["check"], ["config", "show", "-c"], ["check", "--json"]])
def test_a_full_output_is_a_sentence(
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Exit code 74, and no fault of ours."""
    path = tmp_path / "till.yaml"
    path.write_text("shop: '1'\ntill: '1'\nserver: {protocol: soap, url: 'http://x.example'}\n")
    monkeypatch.setattr(sys, "stdout", _Full())
    with pytest.raises(SystemExit) as caught:
        cli.main([*command, str(path)])
    assert caught.value.code == streams.UNWRITABLE == 74
    assert capsys.readouterr().err == (
        "tillwire cannot write its output: no space left on device.\n"
    )


def test_a_full_buffer_is_noticed_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last of the output fails only when it is flushed."""

    class Late(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(sys, "stdout", Late())
    with pytest.raises(SystemExit) as caught:
        cli.main(["check", str(shipped_machine())])
    assert caught.value.code == streams.UNWRITABLE
    assert capsys.readouterr().err == "tillwire cannot write its output: input/output error.\n"


def test_a_closed_output_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where the process was started without one."""
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as caught:
        cli.main(["check", str(shipped_machine())])
    assert caught.value.code == streams.UNWRITABLE
    assert capsys.readouterr().err == "tillwire cannot write its output: it is closed.\n"


def test_without_any_output_the_exit_code_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be said then."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SystemExit) as caught:
        cli.main(["check", str(shipped_machine())])
    assert caught.value.code == streams.UNWRITABLE
