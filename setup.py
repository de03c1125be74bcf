"""Builds the kernels: every sm_assets/kernels/_*.pyx is one C++ extension. All else is in pyproject.toml."""

import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# No -ffast-math and no -march=native: the same input must give the same bits on every machine.
WINDOWS = sys.platform == "win32"
FLAGS = ["/O2", "/std:c++17"] if WINDOWS else ["-O3", "-g0", "-std=c++17", "-ffp-contract=off", "-pthread"]

kernels = sorted(Path("sm_assets/kernels").glob("_*.pyx"))
setup(
    ext_modules=cythonize(
        [
            Extension(
                ".".join(source.with_suffix("").parts),
                [str(source)],
                language="c++",
                extra_compile_args=FLAGS,
                extra_link_args=[] if WINDOWS else ["-pthread"],
                depends=sorted(str(header) for header in Path("sm_assets/kernels").glob("*.hpp")),
            )
            for source in kernels
        ],
        compiler_directives={"language_level": 3, "boundscheck": False, "wraparound": False, "cdivision": True},
    )
)
