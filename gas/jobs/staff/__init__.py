"""The admin site of jobs: lists, actions and the overview of storage.

An action calls the same function that the pages call, so that the same rules hold.
"""
