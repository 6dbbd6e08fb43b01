"""Plans, their limits, and everything about payment: Stripe, webhooks, grants.

`changes.set_plan` is the one function that changes a plan, and `stripe` the only module that calls Stripe. What a plan
means for jobs and results belongs in `gas.jobs`.
"""
