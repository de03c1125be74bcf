"""Hot loops: Cython and C++ (`_name.pyx`, `name.hpp`) behind a checking Python face (`name.py`).

A kernel takes and gives const contiguous numpy or Arrow buffers, knows no table and reads no file. Checks live in
the face, the slow readable reference lives in tests/.
"""
