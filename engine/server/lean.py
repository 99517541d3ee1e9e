"""Loads ``requests`` without what it only needs to guess the encoding of a text."""

import sys
import warnings

GUESSERS = ("chardet", "charset_normalizer")


def load_requests() -> None:
    """Import requests, whose guessing of character sets costs 3 MB of memory, without it.

    A till has little memory, and an answer of ours says its encoding or is not read. For
    requests the guessers are optional; it only warns that it found none, of which nobody is
    to be told. Who asks for them later gets them. Nothing happens when requests is loaded.
    """
    if "requests" in sys.modules:
        return
    hidden = [name for name in GUESSERS if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment] # the import system's word for absent
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import requests  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]
