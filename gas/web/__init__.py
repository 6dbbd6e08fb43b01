"""What every page of the site shares: context of templates, health checks.

Views belong in the apps. The web server itself is `gas.server`.
"""
