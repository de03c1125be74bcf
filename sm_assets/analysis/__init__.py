"""Pure functions from Arrow and numpy to Arrow and numpy. No Dagster, no files, no other room of this floor."""
