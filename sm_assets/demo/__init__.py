"""A synthetic world with planted truth: the same seed gives the same bytes everywhere.

    people   who is there: networks, the actors behind accounts, the accounts
    sharing  what they publish, and when: contents and posts
    world    both together, the truth beside them, `World.write`
    crowdtangle  the world as that source would deliver it
    summary  what the chain found, read back from its Parquet

A further platform is one more exporter of the same people and posts. Not here: anything that knows how the chain works.
"""

from sm_assets.demo.bluesky import write_jetstream
from sm_assets.demo.world import World, world_of

__all__ = ["World", "world_of", "write_jetstream"]
