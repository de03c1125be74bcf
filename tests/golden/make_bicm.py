"""Write bicm.json: expected shared followers by the PyPI package bicm, for degrees of several shapes.

Run it where bicm is installed (it is no dependency of ours): `python tests/golden/make_bicm.py`. Degrees are those of
small random graphs drawn here; the file holds them beside the package's answer, so that tests need neither.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from bicm import BipartiteGraph

SHAPES = {
    # name: (influencers, followers, spread of audiences, spread of out-degrees, mean probability)
    "sparse": (40, 600, 0.7, 0.7, 0.03),
    "heavy_tails": (60, 800, 1.6, 1.2, 0.05),
    "dense": (25, 120, 0.8, 0.8, 0.45),
    "nearly_regular": (12, 300, 0.1, 0.1, 0.2),
    "few_of_many": (6, 1500, 1.0, 1.0, 0.25),
    "with_certain_ones": (30, 200, 1.0, 1.0, 0.15),
}


def drawn(name: str) -> np.ndarray:
    """A random 0/1 matrix, followers by influencers, without empty followers."""
    n, m, spread_i, spread_f, mean = SHAPES[name]
    draws = np.random.Generator(np.random.PCG64(sorted(SHAPES).index(name)))
    odds = np.exp(draws.normal(0, spread_f, (m, 1)) + draws.normal(0, spread_i, (1, n)))
    low, high = 1e-9, 1e9
    for _ in range(200):
        scale = np.sqrt(low * high)
        low, high = (scale, high) if (scale * odds / (1 + scale * odds)).mean() < mean else (low, scale)
    matrix = draws.random((m, n)) < scale * odds / (1 + scale * odds)
    if name == "with_certain_ones":
        matrix[:, 3] = True
        matrix[[5, 6], :] = True
        matrix[:, 7] = False
    return matrix[matrix.any(axis=1)].astype(np.int64)


def answer(matrix: np.ndarray) -> dict[str, list[object]]:
    """Degrees, and the package's expected overlaps of one influencer of each size with one (other) of each size."""
    graph = BipartiteGraph(matrix)
    graph.solve_tool(method="newton", tol=1e-12, eps=1e-14, max_steps=2000)
    p = np.asarray(graph.get_bicm_matrix())
    error = max(np.abs(p.sum(axis=side) - matrix.sum(axis=side)).max() for side in (0, 1))
    print("   largest error of a degree or size", error)
    assert error < 1e-5
    mu = p.T @ p
    sizes = matrix.sum(axis=0)
    i, j = np.triu_indices(len(sizes), 1)
    shown = np.unique(np.linspace(0, len(i) - 1, min(len(i), 400)).astype(np.int64))
    return {
        "sizes": sizes.tolist(),
        "degrees": matrix.sum(axis=1).tolist(),
        "i": i[shown].tolist(),
        "j": j[shown].tolist(),
        "expected": [float(f"{value:.9g}") for value in mu[i[shown], j[shown]]],
    }


if __name__ == "__main__":
    told = {}
    for name in SHAPES:
        print(name)
        told[name] = answer(drawn(name))
    path = Path(__file__).with_name("bicm.json")
    lines = [f'  "{name}": {json.dumps(shape, separators=(",", ":"))}' for name, shape in told.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
