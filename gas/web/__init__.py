"""What every page of the site shares: context of templates, health checks, requests of people who are signed in.

Views belong in the apps. The web server itself is `gas.server`.
"""
