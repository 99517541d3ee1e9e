"""``tillwire support``: what a help desk needs of a till, in one zip, without what is secret."""
