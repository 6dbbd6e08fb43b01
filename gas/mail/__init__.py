"""Mail that must arrive although the mail service may be down, and limits on alerts to staff."""
