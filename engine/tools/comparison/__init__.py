"""Two machines by what they mean: ``meaning`` reads one, ``differences`` holds two together."""
