"""The demo's planted communities of interest are found again from who follows whom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from follow_lake import FEATURES, START, day_number, publish_follows, read, run

from sm_assets.analysis.partitions_agreement import normalised_mutual_information
from sm_assets.demo import World
from sm_assets.demo.edges import edges
from sm_assets.demo.summary_audiences import audience_summary
from sm_assets.settings import Settings
from sm_assets.storage import Lake

OUTPUTS = ("out_audience_overlap", "out_audience_communities", "out_audience_members", "out_influencer_search")


@pytest.mark.parametrize(("seed", "scale", "least"), [(7, 1, 100), (8, 0.3, 30)])
def test_planted_communities_are_found(seed: int, scale: float, least: int, tmp_path: Path) -> None:
    world = World(seed, scale)
    lake = Lake(Settings(data_root=str(tmp_path), profile="tiny", start_day=START))
    days = [day_number(n) for n in range(3)]
    follows = [("twitter", follower, followed) for follower, followed in edges(world.residents)]
    publish_follows(lake, {day: follows[n::3] for n, day in enumerate(days)})
    assert run(lake, days[0], days[-1], FEATURES, gather_audiences={"min_followers": least})
    leading = [p for p in world.residents.on("twitter") if p.influence and p.community == 0]
    seeds = [world.residents.account_id("twitter", person) for person in leading[:5]]
    search = {"searches": [{"name": "five", "platform": "twitter", "seeds": seeds, "max_members": 5}]}
    assert run(lake, days[-1], days[-1], OUTPUTS, out_influencer_search=search)
    planted = {
        world.residents.account_id("twitter", person): person.community
        for person in world.residents.on("twitter")
        if person.influence and person.community is not None
    }
    members = {row["account_id"]: row["community_id"] for row in read(lake, OUTPUTS[2], days[-1]).to_pylist()}
    both = sorted(members.keys() & planted.keys())
    assert len(both) > 0.6 * len(planted)
    # Who is in no community counts as one of its own.
    found = [members[account] or account for account in both]
    truth = np.unique([planted[account] for account in both], return_inverse=True)[1]
    assert normalised_mutual_information(truth, np.unique(found, return_inverse=True)[1]) >= 0.95
    ranked = read(lake, OUTPUTS[3], days[-1]).to_pylist()
    assert {row["method"] for row in ranked} == {"minhash_similarity", "agglomerative", "personalised_pagerank"}
    assert np.mean([planted.get(row["account_id"]) == 0 for row in ranked]) >= 0.9
    _check_summary(world, tmp_path)


def _check_summary(world: World, root: Path) -> None:
    from sm_assets.demo.truth import accounts_table

    (root / "truth").mkdir()
    pq.write_table(accounts_table(world.accounts, [], world.residents), root / "truth" / "accounts.parquet")
    text = audience_summary(root)
    assert f"{world.residents.n_communities} communities among" in text
    assert "100 % of the\nfound pairs are of one community" in text
    assert "five, by agglomerative:" in text


def test_without_follows_the_summary_says_so(tmp_path: Path) -> None:
    assert audience_summary(tmp_path) == "No audiences: no follows were published."
