"""Gene models of a reference: read from a pack, and looked up by position."""
