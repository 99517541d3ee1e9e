"""What operators see of tillwire: the exporter, fed by the steps of the core.

Metrics only listen. Nothing here can hold up a till, and nothing here knows the agent.
"""
