"""What pydantic finds, said in the words of the file, for models of any shape."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from engine.definition.model import as_tuple
from engine.definition.reader import parse, read
from engine.problems import Refused


class Part(BaseModel):
    """Strict, as the product's models are."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Soap(Part):
    """One member of a union."""

    protocol: Literal["soap"]
    url: str


class Rest(Part):
    """The other."""

    protocol: Literal["rest"]
    address: str
    token: str | int = ""


class Settings(Part):
    """Limits, a secret, a plain union, a union told apart by a key, a list."""

    port: int = Field(1, ge=1, le=9)
    share: float = Field(0.5, gt=0, lt=1)
    name: str = Field("x", min_length=1)
    password: str = ""
    server: Soap | Rest | None = None
    picked: Annotated[Soap | Rest, Field(discriminator="protocol")] | None = None
    parts: Annotated[tuple[Soap, ...], BeforeValidator(as_tuple)] = ()
    needed: dict[str, Soap] = Field(default_factory=dict)


def problems(text: str) -> list[tuple[str, str, str]]:
    """Place, message and hint of all that is wrong."""
    with pytest.raises(Refused) as caught:
        parse(read(text, "f"), Settings)
    return [(f"{p.line}:{p.column}", p.message, p.hint) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("port: 0", ("1:7", "Expected at least 1, found the number 0.", "")),
        ("port: 10", ("1:7", "Expected at most 9, found the number 10.", "")),
        ("share: 0", ("1:8", "Expected more than 0.0, found the number 0.", "")),
        ("share: 1", ("1:8", "Expected less than 1.0, found the number 1.", "")),
        ("name: ''", ("1:7", "String should have at least 1 character, found the text ''.", "")),
        ("password: 12", ("1:11", "Expected a text, found a value of another kind.",
                          "Put quotes around it.")),
        ("password: ", ("1:10", "Expected a text, found nothing.",
                        "Write a value, or delete the key.")),
        ("server: 5", ("1:9", "Expected a mapping, found the number 5.", "")),
        ("parts: [{protocol: soap, ur: x, url: y}]", ("1:26", "Unknown key 'ur'.",
                                                      "Did you mean 'url'?")),
        ("needed: {a: {protocol: soap}}", ("1:10", "The key 'url' is missing.", "")),
        ("needed: {a: {protocol: soap, url: x, yrl: z}}", ("1:38", "Unknown key 'yrl'.",
                                                          "Did you mean 'url'?")),
        ("picked: {protocol: rest}", ("1:1", "The key 'address' is missing.", "")),
        ("picked: {protocol: rest, adress: x, address: y}", ("1:26", "Unknown key 'adress'.",
                                                            "Did you mean 'address'?")),
    ],
)  # fmt: skip
def test_a_fault_is_one_sentence_at_its_place(text: str, found: tuple[str, str, str]) -> None:
    """Limits, lengths, secrets, unions and lists."""
    assert problems(text) == [found]
