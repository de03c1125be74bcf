"""Native exports to Arrow batches and rejects: one file per source, and the registry that names them.

Here: what a delivered file looks like, how it is recognised and read. Not here: what the rows mean together (sql/, analysis/).
"""
