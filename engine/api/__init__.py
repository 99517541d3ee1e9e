"""The local HTTP API: how the till program, people and Prometheus talk to the agent."""
