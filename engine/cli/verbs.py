"""All verbs of the command, which declare themselves, and the application that has them."""

# --help lists the verbs in the order in which their modules are named here.
from engine.cli import (  # noqa: F401
    running,
    service,
    setting_up,
    tuning,
    viewing,
)
from engine.cli.application import app

__all__ = ["app"]
