"""Drawings, read as XML."""

import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def read() -> Callable[[str], ET.Element]:
    """The root of a drawing; a text that is no XML fails the test."""
    return ET.fromstring
