"""The server's actions as configuration: their names, parameters, replies and test for success."""

import re
from collections.abc import Callable, Mapping
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator
from pydantic.json_schema import WithJsonSchema
from pydantic_core import PydanticKnownError

from engine.definition.secrecy import is_secret
from engine.problems import did_you_mean
from engine.server import hmp
from engine.server.secret import REFERENCE, Secret

Scalar = int | float | bool | str

IN_EVERY_ACTION = ("action", "shop", "till")
"""Placeholders that every action knows."""


class Section(BaseModel):
    """A mapping of the file. Unknown keys are refused, secrets never shown in an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


_ONLY_PLACEHOLDERS = re.compile(r"(?:\s|\{[a-z]+\})*")


def _template(raw: Any) -> str | Secret:
    if isinstance(raw, Secret):
        return raw
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(raw)
    if not isinstance(raw, str):
        raise PydanticKnownError("string_type")
    return Secret(raw) if REFERENCE.fullmatch(raw) else raw


Template = Annotated[
    str | Secret, PlainValidator(_template), WithJsonSchema({"type": ["string", "integer"]})
]
"""The value of a parameter: a text with placeholders, or a reference to a secret."""


def _by_default(**parameters: str) -> Callable[[], dict[str, str | Secret]]:
    return lambda: {**parameters}


def _check_name(name: str) -> None:
    if not hmp.NAME.fullmatch(name):
        raise ValueError(
            f"'{name}' cannot be a parameter's name: a letter, then letters, digits, "
            "'_', '.' and '-'"
        )


def _check_secrecy(name: str, template: str) -> None:
    if is_secret(name) and not _ONLY_PLACEHOLDERS.fullmatch(template):
        raise ValueError(
            f"the parameter '{name}' is taken for secret, and a secret is never written in the "
            "file itself: write ${env:NAME} for an environment variable or ${file:path} for a file"
        )
    if "${" in template:
        raise ValueError(
            f"the parameter '{name}' holds a reference among other things: ${{env:NAME}} or "
            "${file:path} is the whole value, or put all of it in the variable or file"
        )


def placeholders(template: str) -> set[str]:
    """The names between braces. Raises ValueError for braces that do not pair up."""
    try:
        pieces = list(Formatter().parse(template))
    except ValueError:
        raise ValueError(
            f"the braces of '{template}' do not pair up; write a brace itself twice"
        ) from None
    found = set()
    for _, name, form, conversion in pieces:
        if name is None:
            continue
        if form or conversion:
            raise ValueError(f"'{{{name}…}}' of '{template}' takes nothing but a name")
        found.add(name)
    return found


class Success(Section):
    """How a good reply is told from a refusal."""

    result: int | None = Field(
        0,
        description="The technical result that a good call has: SOAP's WebServiceDivaResult, "
        "REST's `error`. Any other value is a technical error. Empty: not looked at.",
    )
    field: str | None = Field(
        "resultcode",
        description="Where the program's own result stands in its reply: a JSON path with dots "
        "(`status.code`), or an HMP parameter. Empty: every reply is good.",
    )
    equals: Scalar = Field(
        0, description="The value of that field in a good reply; any other is a refusal."
    )
    message: str | None = Field(
        "errormessage", description="Where the words of a refusal stand, a path as `field`."
    )


class ActionSettings(Section):
    """One action of the server: its name, its parameters, its reply."""

    action: str = Field(min_length=1, description="The action's name, as declared on the server.")
    parameters: dict[str, Template] = Field(
        description="The parameters sent, in this order; values may hold placeholders in "
        "braces. A secret is written `${env:NAME}` or `${file:path}`, alone."
    )
    reply: Literal["json", "hmp", "text"] = Field(
        "json", description="What the server's program answers with."
    )
    escaped: bool = Field(
        False, description="The program's reply is HTML-escaped once more, and is unescaped first."
    )
    success: Success = Field(
        default_factory=Success, description="How a good reply is told from a refusal."
    )

    def known(self) -> tuple[str, ...]:
        """The placeholders that the parameters may hold."""
        return IN_EVERY_ACTION

    def needed(self) -> tuple[str, ...]:
        """The placeholders without which the action makes no sense."""
        return ()

    @model_validator(mode="after")
    def _parameters(self) -> "ActionSettings":
        used: set[str] = set()
        for name, template in self.parameters.items():
            _check_name(name)
            if isinstance(template, Secret):
                continue
            _check_secrecy(name, template)
            if not template.isprintable():
                raise ValueError(f"the value of {name} holds a control character")
            for found in placeholders(template) - set(self.known()):
                hint = did_you_mean(found, self.known())
                raise ValueError(
                    f"parameter {name} holds the unknown placeholder {{{found}}}. {hint}"
                )
            used |= placeholders(template)
        for missing in sorted(set(self.needed()) - used):
            raise ValueError(f"no parameter holds {{{missing}}}: the action cannot do without it")
        return self

    @model_validator(mode="after")
    def _text_has_no_fields(self) -> "ActionSettings":
        if self.reply == "text" and self.success.field is not None:
            raise ValueError(
                "a reply of kind text has no fields: leave success.field empty, or say json or hmp"
            )
        return self


class PingAction(ActionSettings):
    """A sign of life. Any reply with a good technical result will do."""

    action: str = Field("PING", min_length=1, description="The action's name on the server.")
    parameters: dict[str, Template] = Field(
        default_factory=_by_default(ACTION="{action}", SHOP="{shop}", TILL="{till}"),
        description="Placeholders: {action}, {shop}, {till}.",
    )
    reply: Literal["json", "hmp", "text"] = Field(
        "text", description="What the server's program answers with."
    )
    success: Success = Field(
        default_factory=lambda: Success(field=None),
        description="How a good reply is told; by default by its technical result alone.",
    )


class _TicketAction(ActionSettings):
    @model_validator(mode="after")
    def _names_tickets(self) -> "_TicketAction":
        if self.reply == "text":
            raise ValueError(
                "the reply has to name each ticket: 'reply' is json or hmp here, not text"
            )
        return self


class SendTicketsAction(_TicketAction):
    """Send a batch of tickets."""

    action: str = Field("TICKETS", min_length=1, description="The action's name on the server.")
    parameters: dict[str, Template] = Field(
        default_factory=_by_default(
            ACTION="{action}",
            SHOP="{shop}",
            TILL="{till}",
            BATCH="{batch}",
            COUNT="{count}",
            TICKETS="{tickets}",
        ),
        description="Placeholders: {action}, {shop}, {till}, {batch}, {count}, {tickets}.",
    )

    def known(self) -> tuple[str, ...]:
        return (*IN_EVERY_ACTION, "batch", "count", "tickets")

    def needed(self) -> tuple[str, ...]:
        return ("batch", "tickets")


class TicketStatusAction(_TicketAction):
    """Ask what became of tickets whose outcome is unknown."""

    action: str = Field(
        "TICKETSTATUS", min_length=1, description="The action's name on the server."
    )
    parameters: dict[str, Template] = Field(
        default_factory=_by_default(ACTION="{action}", SHOP="{shop}", TILL="{till}", KEYS="{keys}"),
        description="Placeholders: {action}, {shop}, {till}, {keys}.",
    )

    def known(self) -> tuple[str, ...]:
        return (*IN_EVERY_ACTION, "keys")

    def needed(self) -> tuple[str, ...]:
        return ("keys",)


class _TellingAction(ActionSettings):
    @model_validator(mode="after")
    def _has_fields(self) -> "_TellingAction":
        if self.reply == "text":
            raise ValueError("the reply has fields to read: 'reply' is json or hmp here, not text")
        return self


class PollMessagesAction(_TellingAction):
    """Ask for the messages that the till has not acknowledged."""

    action: str = Field("MESSAGES", min_length=1, description="The action's name on the server.")
    parameters: dict[str, Template] = Field(
        default_factory=_by_default(
            ACTION="{action}", SHOP="{shop}", TILL="{till}", REASON="{reason}"
        ),
        description="Placeholders: {action}, {shop}, {till}, {reason} (opened, closed, "
        "day_closed, ticket or returned).",
    )

    def known(self) -> tuple[str, ...]:
        return (*IN_EVERY_ACTION, "reason")


class AcknowledgeMessagesAction(_TellingAction):
    """Tell the server which messages the till keeps."""

    action: str = Field("MESSAGESACK", min_length=1, description="The action's name on the server.")
    parameters: dict[str, Template] = Field(
        default_factory=_by_default(ACTION="{action}", SHOP="{shop}", TILL="{till}", IDS="{ids}"),
        description="Placeholders: {action}, {shop}, {till}, {ids} (a JSON list).",
    )

    def known(self) -> tuple[str, ...]:
        return (*IN_EVERY_ACTION, "ids")

    def needed(self) -> tuple[str, ...]:
        return ("ids",)


class FetchOffersAction(_TellingAction):
    """Ask for the general offers and those of a customer."""

    action: str = Field("OFFERS", min_length=1, description="The action's name on the server.")
    parameters: dict[str, Template] = Field(
        default_factory=_by_default(
            ACTION="{action}", SHOP="{shop}", TILL="{till}", CUSTOMER="{customer}"
        ),
        description="Placeholders: {action}, {shop}, {till}, {customer} (empty: general offers "
        "only).",
    )

    def known(self) -> tuple[str, ...]:
        return (*IN_EVERY_ACTION, "customer")

    def needed(self) -> tuple[str, ...]:
        return ("customer",)


class CountTicketsAction(_TellingAction):
    """Ask what the server holds of a range of ticket numbers."""

    action: str = Field("TICKETCOUNT", min_length=1, description="The action's name on the server.")
    parameters: dict[str, Template] = Field(
        default_factory=_by_default(
            ACTION="{action}", SHOP="{shop}", TILL="{till}", FROM="{first}", TO="{last}"
        ),
        description="Placeholders: {action}, {shop}, {till}, {first}, {last}.",
    )

    def known(self) -> tuple[str, ...]:
        return (*IN_EVERY_ACTION, "first", "last")

    def needed(self) -> tuple[str, ...]:
        return ("first", "last")


class FetchConfigurationAction(_TellingAction):
    """Ask for the till's configuration."""

    action: str = Field("CONFIG", min_length=1, description="The action's name on the server.")
    parameters: dict[str, Template] = Field(
        default_factory=_by_default(ACTION="{action}", SHOP="{shop}", TILL="{till}"),
        description="Placeholders: {action}, {shop}, {till}.",
    )


class NewestFilesAction(_TellingAction):
    """Ask which files bring the catalogue's tables up to date."""

    action: str = Field("TABLES", min_length=1, description="The action's name on the server.")
    parameters: dict[str, Template] = Field(
        default_factory=_by_default(
            ACTION="{action}", SHOP="{shop}", TILL="{till}", PVTBLSYNC="{tables}"
        ),
        description="Placeholders: {action}, {shop}, {till}, {tables} (a JSON object of table and "
        "version, null for one that was never loaded).",
    )

    def known(self) -> tuple[str, ...]:
        return (*IN_EVERY_ACTION, "tables")

    def needed(self) -> tuple[str, ...]:
        return ("tables",)


class Actions(Section):
    """The server's actions."""

    ping: PingAction = Field(default_factory=PingAction, description="A sign of life.")
    send_tickets: SendTicketsAction = Field(
        default_factory=SendTicketsAction, description="Send a batch of tickets."
    )
    ticket_status: TicketStatusAction | None = Field(
        default_factory=TicketStatusAction,
        description="Ask what became of tickets; empty where the server has no such action.",
    )
    poll_messages: PollMessagesAction | None = Field(
        default_factory=PollMessagesAction,
        description="Ask for messages; empty where the server has no such action.",
    )
    acknowledge_messages: AcknowledgeMessagesAction | None = Field(
        default_factory=AcknowledgeMessagesAction,
        description="Tell which messages the till keeps; empty where the server has no such "
        "action.",
    )
    fetch_offers: FetchOffersAction | None = Field(
        default_factory=FetchOffersAction,
        description="Ask for offers; empty where the server has no such action.",
    )
    count_tickets: CountTicketsAction | None = Field(
        default_factory=CountTicketsAction,
        description="Ask how many tickets the server holds, for the proof of the day; empty "
        "where the server has no such action.",
    )
    fetch_configuration: FetchConfigurationAction | None = Field(
        None,
        description="Ask for the till's configuration, for `tillwire import-config`; empty, as by "
        "default, where the server has no such action. `{}` for the usual one.",
    )
    newest_files: NewestFilesAction | None = Field(
        None,
        description="Ask which files on the FTP server bring the catalogue up to date; empty, as "
        "by default, where the server has no such action: the manifest on the FTP server then "
        "tells. `{}` for the usual one.",
    )


def render(template: str, values: Mapping[str, str]) -> str:
    """A template with its placeholders filled in."""
    return template.format_map(values)
