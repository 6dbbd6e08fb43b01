"""Tests of gas.jobs.catalogue."""
