"""The processes of a stack: supervised, given their environment, ports and data folder.

What a stack starts, and in which order, is in `devstack.stack`.
"""
