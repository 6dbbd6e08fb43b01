"""Mails to the owners of jobs. How a mail is delivered belongs in `gas.mail`."""
