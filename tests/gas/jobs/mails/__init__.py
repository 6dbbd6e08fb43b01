"""Tests of gas.jobs.mails."""
