"""The files in force, by the API."""

from engine.api.config import NoFiles, ReloadRefused
from engine.api.port import StoreUnavailable
from engine.api.stand_in import StandIn
from engine.problems import Problem
from tests.unit.api.conftest import Ask

PROBLEM = Problem(
    "till.yaml", 3, 5, "unknown-key", "There is no key 'shep'.", "Did you mean 'shop'?"
)


def test_the_files_in_force_are_told_without_a_token(ask: Ask) -> None:
    told = ask("GET", "/v1/config", token=None)
    assert told.status_code == 200
    assert (told.json()["machine"], told.json()["good"]) == ("connection", True)


def test_a_reload_needs_the_token_and_answers_with_the_hash(ask: Ask) -> None:
    assert ask("POST", "/-/reload", token=None).status_code == 401
    assert ask("GET", "/-/reload").status_code == 405
    told = ask("POST", "/-/reload")
    assert (told.status_code, told.json()["hash"], told.json()["changed"]) == (200, "0" * 64, True)


def test_refused_files_are_told_as_data_and_as_text(ask: Ask, office: StandIn) -> None:
    office.on_reload = ReloadRefused("The files are refused.", [PROBLEM], "till.yaml:3:5: ...")
    told = ask("POST", "/-/reload")
    assert told.status_code == 422
    assert told.json() == {
        "error": "refused",
        "message": "The files are refused.",
        "hint": "The tills go on with the files of before. Mend what is named and save it.",
        "problems": [{**PROBLEM.as_data(), "trace": ""}],
        "text": "till.yaml:3:5: ...",
    }


def test_an_agent_without_files_says_that_it_has_none(ask: Ask, office: StandIn) -> None:
    def none(_call: str) -> None:
        raise NoFiles

    office.before_each = none
    for method, path in (("GET", "/v1/config"), ("POST", "/-/reload")):
        told = ask(method, path)
        assert (told.status_code, told.json()["error"]) == (409, "no_files")


def test_files_that_cannot_be_read_now_may_be_asked_for_again(ask: Ask, office: StandIn) -> None:
    def slow(_call: str) -> None:
        raise StoreUnavailable("The files cannot be read now.")

    office.before_each = slow
    told = ask("POST", "/-/reload")
    assert (told.status_code, told.json()["error"]) == (503, "not_read")
    assert told.headers["retry-after"]
