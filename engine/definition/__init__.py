"""The language of machine files: from YAML text to a frozen, checked model. Pure."""
