"""Tests of gas.jobs.pages."""
