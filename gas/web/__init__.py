"""Shared by all pages: template context, health checks, request ids.

Views belong in the apps. The web server itself is `gas.server`.
"""
