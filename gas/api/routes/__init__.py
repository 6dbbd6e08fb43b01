"""The endpoints, one module for each resource. A route reads a request, calls a lower room, and answers."""
