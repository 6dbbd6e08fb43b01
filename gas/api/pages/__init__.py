"""The pages about the API: a person's tokens, the sign-in of the command line, and the documentation."""
