"""Tests of annotator.tables."""
