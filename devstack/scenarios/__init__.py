"""Stories that run on a whole stack: storms of faults, and what must hold when they are over."""
