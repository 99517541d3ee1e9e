"""The one place that chooses a wire."""

from pathlib import Path

from engine.server.lean import load_requests
from engine.server.port import Server
from engine.server.settings import ServerSettings


def connect(settings: ServerSettings, shop: str, base: Path | None = None) -> Server:
    """The server that ``settings`` speak of, for the tills of one shop.

    Nothing is sent and nothing read yet: a server that is down, a CA file or a secret that is
    missing shows in the first call. ``base`` is the folder that relative paths start from.
    """
    load_requests()
    if settings.protocol == "soap":
        from engine.server.soap import SoapServer

        return SoapServer(settings, shop, base)
    from engine.server.rest import RestServer

    return RestServer(settings, shop, base)
