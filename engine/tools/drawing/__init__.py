"""Drawings of a machine: one chart, made from what the core runs, and three ways to draw it."""
