"""Tests of gas.jobs.staff."""
