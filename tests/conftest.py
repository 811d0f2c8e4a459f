"""Shapes that cannot lie: in tests, the annotations of the architectures are checked at every call."""

from jaxtyping import install_import_hook

install_import_hook("sounding.architectures", "beartype.beartype")
