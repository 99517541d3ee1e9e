"""``tillwire service``: the agent as a service of the operating system."""
