"""Tests of what only SQL Server has: on the one that ``TILLWIRE_TEST_SQLSERVER`` names, an ODBC
connection string. Without it they are not there."""

from tests.unit.store.backends import SERVER

collect_ignore_glob = [] if SERVER else ["test_*.py"]
