"""A day of a shop, or of a thousand tills, in virtual time.

The machines are the agent's own (``engine.agent.tills``), and so are the effects that they
start (``engine.effects.table.perform``). What stands in is what lies behind them: the network,
the server, the till's disk, the cashier.
"""
