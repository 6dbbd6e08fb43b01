"""Tests of gas.jobs.storage."""
