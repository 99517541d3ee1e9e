"""What a machine may start: one signature, one table."""
