"""Mail that must arrive although the mail service may be down, and how often staff are told of one kind of trouble."""
