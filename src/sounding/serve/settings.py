"""What a service is told: where it listens, who may ask, and how much of everything it takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from sounding.errors import UsageError

MEGABYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """How much one request may hold. What is larger is refused before it is decoded."""

    body: int = 32 * MEGABYTE  # bytes
    pixels: int = 40_000_000  # of one picture
    seconds: float = 600.0  # of one recording
    characters: int = 200_000  # of one text or table
    depth: int = 32  # brackets within brackets, in JSON
    inputs: int = 64  # asked about at once
    moves: int = 2_000  # of one game
    simulations: int = 3_200  # of one move
    upload: float = 30.0  # seconds until all of a request is there
    head: int = 2**16  # bytes of its first line and its headers
    headers: int = 100
    pipelined: int = 100  # requests that wait on one connection


@dataclass(frozen=True)
class Settings:
    """A service. Raises UsageError for numbers with which nothing could be answered."""

    host: str = "127.0.0.1"
    port: int = 8000
    token: str = ""  # that every request has to bear; none where it is empty
    memory: int = 2048 * MEGABYTE  # bytes of weights that are kept
    waiting: int = 256  # inputs that may wait
    timeout: float = 60.0  # seconds until an answer is given up
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        least = {"waiting": 1, "timeout": 0.1, "memory": 1}
        for name, number in least.items():
            if getattr(self, name) < number:
                raise UsageError(f"{name}={getattr(self, name)} leaves nothing to answer with", fix="Give more")
        if not 0 <= self.port <= 65535:
            raise UsageError(f"there is no port {self.port}", fix="Give 1024 to 65535, or 0 for any that is free")
        if not self.token.isascii():
            raise UsageError("a token is sent in a header, and this one is not ASCII", fix="Give another token")

    @property
    def local(self) -> bool:
        """Whether nobody but this machine can ask."""
        return self.host in LOOPBACK


LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
