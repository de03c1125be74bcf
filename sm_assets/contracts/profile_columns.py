"""Columns of the tables of kinds of accounts by how they describe themselves.

Here: the part of the registry that `columns` takes in; `<group>.<name>` where the name means something else elsewhere.
Not here: which table has which column.
"""

from __future__ import annotations

from sm_assets.contracts.makers import count, number, text

PROFILE_MODELS = ("kmeans", "hdbscan")
PROFILE_STATUSES = ("member", "noise", "no_bio", "no_known_word")

COLUMNS = (
    text("bio", "What the account says of itself, as it was last seen in the window; null: nothing."),
    text("bio_lang", "ISO 639 code of the language of the bio by the model; `und`: not certain enough, or no bio."),
    count("n_terms", "terms", "Terms of the snapshot's vocabulary that the bio holds, each once."),
)

# Names that mean something else in another table.
HOMONYMS = {
    "profile.model": text("model", "Way in which the clusters were found.", *PROFILE_MODELS),
    "profile.strength": number(
        "strength",
        "",
        "How surely the account belongs to its cluster, 0 to 1; kmeans: how much nearer its centre is than the next "
        "one; hdbscan: probability of membership; null: it is no member.",
        0,
        1,
    ),
    "profile.status": text(
        "status",
        "member, or why the account is in no cluster. noise: in no dense group; no_bio: it says nothing of itself; "
        "no_known_word: no term of the vocabulary; with features embedding: nothing that a text model can read.",
        *PROFILE_STATUSES,
    ),
}
