"""Tests of gas.jobs.queue."""
