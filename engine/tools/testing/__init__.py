"""``tillwire test``: cases beside a machine, played on the engine itself in virtual time."""
