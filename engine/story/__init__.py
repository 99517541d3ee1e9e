"""The story of a till, read from its history: what happened and why, and why something did not."""
