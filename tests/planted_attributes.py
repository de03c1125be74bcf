"""Labelled accounts whose classes and operators are known.

Here: synthetic traits. Not here: any fact about what is made of them.
"""

from __future__ import annotations

import numpy as np

from sm_assets.analysis.attribute_training import Labelled

CLASSES = ("bot", "company", "person")


def planted(
    n_groups: int = 60,
    n_traits: int = 12,
    *,
    apart: float = 1.6,
    of_group: float = 0.5,
    group_size: int = 4,
    noise: float = 0.0,
    seed: int = 7,
) -> Labelled:
    """Three classes; accounts of a group share a deviation from the middle of their class.

    Args:
        n_groups: per class.
        n_traits: numbers of an account; a twentieth of them is not known.
        apart: distance of the classes' middles from the centre in their own traits, in standard deviations.
        of_group: standard deviation of what the accounts of a group share.
        group_size: accounts of a group.
        noise: share of labels that are drawn anew.
        seed: of all that is drawn.
    """
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(3 * n_groups), group_size)
    label = group % 3
    middle = np.zeros((3, n_traits))
    for number in range(3):
        middle[number, number::3] = apart
    shared = random.normal(size=(3 * n_groups, n_traits)) * of_group
    traits = middle[label] + shared[group] + random.normal(size=(len(group), n_traits))
    traits[random.random(traits.shape) < 0.05] = np.nan
    anew = random.random(len(group)) < noise
    label = np.where(anew, random.integers(0, 3, len(group)), label)
    return Labelled(
        keys=[f"account {place:05d}" for place in range(len(group))],
        traits=traits,
        names=tuple(f"trait_{place:02d}" for place in range(n_traits)),
        labels=np.array(CLASSES)[label],
        groups=group.astype(np.int64),
        languages=np.array(["en", "de", "fr"])[random.integers(0, 3, len(group))],
    )
