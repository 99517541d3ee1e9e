"""Grafana dashboards as code: *Fleet* and *Till* for any machine, in English and in French.

The folders ``en`` and ``fr`` hold those of the machine that comes along.
"""
