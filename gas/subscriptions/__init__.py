"""Plans: what each allows, and the one function that changes a person's."""
