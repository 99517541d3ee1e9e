"""Keeps out of a till's memory what libraries load for uses that an agent has none of.

uvicorn's own ``__init__`` loads its command line, its reloader and multiprocessing (1.2 MB);
python-statemachine's loads its readers of XML and JSON (0.8 MB), prometheus_client's a web server
(0.5 MB, until the first scrape), watchfiles' what starts other processes anew; FastAPI loads
pydantic's old version to see that nothing is made with it (1.3 MB), and makes ready what describes
it to programmers before anybody asks (1.2 MB). A shop's PC has little memory, and an agent is
there all day.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any, cast

UNUSED = "pydantic.v1"
NEEDED: Mapping[str, Mapping[str, str]] = {
    "uvicorn": {"Config": "uvicorn.config"},
    "prometheus_client": {
        "CollectorRegistry": "prometheus_client.registry",
        "ProcessCollector": "prometheus_client.process_collector",
    },
    "watchfiles": {"watch": "watchfiles.main"},
    "statemachine.io": {"create_machine_class_from_definition": "statemachine.io.class_factory"},
}
"""Of each package the names that we and its own modules take from it, and where they are."""


def load_lazily() -> None:
    """To be called before the packages of ``NEEDED`` are imported; later it does nothing.

    Whatever else is asked of such a package runs its ``__init__`` then, as if never put off.
    """
    for name, places in NEEDED.items():
        if name not in sys.modules:
            _put_off(name, places)


def leave_out_unused() -> None:
    """Let an import of ``UNUSED`` fail, for which FastAPI is made, unless it is there already.

    For a process that is an agent and nothing else: no other part of it could import it.
    """
    sys.modules.setdefault(UNUSED, None)  # type: ignore[arg-type]


def describe_later() -> None:
    """Load FastAPI so that its models of an OpenAPI document are made ready by the first request
    for one; where it is loaded already, nothing changes."""
    if "fastapi.openapi.models" in sys.modules:
        return
    from pydantic import BaseModel

    rebuild = vars(BaseModel)["model_rebuild"]

    def on_demand(model: type[BaseModel], /, **given: Any) -> bool | None:
        """pydantic itself says how to rebuild; FastAPI, which does so in advance, does not."""
        return cast("bool | None", rebuild.__func__(model, **given)) if given else None

    BaseModel.model_config["defer_build"] = True
    BaseModel.model_rebuild = classmethod(on_demand)  # type: ignore[assignment,method-assign]
    try:
        import_module("fastapi.openapi.models")
    finally:
        BaseModel.model_rebuild = rebuild  # type: ignore[method-assign]
        del BaseModel.model_config["defer_build"]


def _put_off(name: str, places: Mapping[str, str]) -> None:
    spec = find_spec(name)
    if spec is None or spec.loader is None:  # then the import says so where it stands
        return
    loader, package = spec.loader, module_from_spec(spec)

    def find(attribute: str) -> object:
        place = places.get(attribute)
        if place is not None:
            return getattr(import_module(place), attribute)
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if find_spec(f"{name}.{attribute}") is not None:
            return import_module(f"{name}.{attribute}")
        if vars(package).pop("__getattr__", None) is not None:
            loader.exec_module(package)
        return getattr(package, attribute)

    vars(package)["__getattr__"] = find
    sys.modules[name] = package
    outer, _, inner = name.rpartition(".")
    if outer:
        setattr(sys.modules[outer], inner, package)
