"""Items of DynamoDB go into an answer as they are.

moto asks for each of the ten members that an attribute's value may have, under five names each,
which is most of what a read of a customer costs. They are in DynamoDB's JSON already.
"""

from __future__ import annotations

from typing import Any

from moto.core.serialize import ResponseSerializer

from infra.local.moto_patches.replacing import Patches


def install(patches: Patches) -> None:
    serialize = ResponseSerializer._serialize_type_structure

    def _serialize_type_structure(
        self: Any, serialized: Any, value: Any, shape: Any, key: str
    ) -> None:
        if key and shape.name == "AttributeValue" and type(value) is dict:
            self._default_serialize(serialized, value, shape, key)
        else:
            serialize(self, serialized, value, shape, key)

    patches.replace(ResponseSerializer, "_serialize_type_structure", _serialize_type_structure)
