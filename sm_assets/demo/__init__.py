"""A synthetic world with planted truth, seen through the exports of all platforms; equal seeds give equal bytes.

    people      owners of Facebook pages, their networks, the pages
    residents   everybody, with accounts on all platforms: communities of interest, influencers, bots
    sharing     what pages publish, and when: contents and posts; `crossposts` where else they appear
    vocabulary  words, hashtags and biographies of personas; `voices` makes texts of them, `texts` those of networks
    world       all of it together, `World.write`, `world_of`; `truth` what was planted, as tables
    crowdtangle, crowdtangle_others, bluesky, twitter, tiktok, edges    the world as that source would deliver it
    firehose    Bluesky from hour to hour (`jetstream` its lines); `write_jetstream` captures of any size
    summary     what the chain found, read back from its Parquet

A further platform is one more exporter of the same people and posts. Not here: anything that knows how the chain works.
"""

from sm_assets.demo.bluesky import write_jetstream
from sm_assets.demo.world import World, world_of

__all__ = ["World", "world_of", "write_jetstream"]
