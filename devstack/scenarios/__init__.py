"""Stories that run on a whole stack: the demonstration, screenshots, and storms of faults with their checks.

Nothing here is part of the emulated AWS or Stripe.
"""
