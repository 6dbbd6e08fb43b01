"""Tests of gas.jobs.lifecycle."""
