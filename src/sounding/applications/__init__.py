"""The applications: one file each. `sounding.catalog` finds them by file name."""
