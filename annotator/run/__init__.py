"""One file, from opening it to its outputs, in a process of its own."""
