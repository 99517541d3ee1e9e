"""The verbs of the command that are not the agent."""
