"""tillwire: looks after a shop till's link to its central server."""

__version__ = "0.1.0"
