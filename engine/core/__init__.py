"""The machine: one event in, one step out. No clock, no thread, no socket."""
