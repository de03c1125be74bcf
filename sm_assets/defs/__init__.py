"""The only code that imports Dagster: assets, checks, metadata, IO, partitions, jobs.

Here: what exists, what it is made from, when it runs, what is checked. Not here: any computation; an asset's body
calls one analysis function or runs one SQL file.
"""
