"""Merges the results of shards or hosts: one record, one report, one verdict."""
