"""Tables to figures, one figure per file: `draw(...)` returns Markdown with the picture inside.

Here: what a figure shows and how it looks; the shared ground is in `canvas`. Not here: reading tables (`storage`),
choosing when to draw (`defs`). matplotlib and networkx are imported inside functions: they cost half a second at
start-up.
"""
