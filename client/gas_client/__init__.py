"""The command line of the Genomics Annotation Service.

It talks to a service by /api/v1 alone. Nothing of the service or of the annotator may be imported here.
"""

__version__ = "0.1.0"
