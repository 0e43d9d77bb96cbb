"""Moto's HTTP server lists its own folder for every request; once is enough."""

from __future__ import annotations

from moto import backends

from infra.local.moto_patches.replacing import Patches


def install(patches: Patches) -> None:
    names = tuple(backends.list_of_moto_modules())
    patches.replace(backends, "list_of_moto_modules", lambda: names)
