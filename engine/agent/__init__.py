"""The long-lived process: one loop that owns the machines, real time, threads that may block."""
