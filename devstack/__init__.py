"""The whole service on one machine: emulated AWS, Stripe and mailbox, and the processes around them.

For development, demonstrations and tests. Nothing in the service imports it, and no rule of the product belongs here.
"""
