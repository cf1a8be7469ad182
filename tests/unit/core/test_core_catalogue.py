"""The catalogue's digest and features, against their definition arm by arm."""

from __future__ import annotations

import hashlib
import json

import pytest

from engine.core.arm import HOLD
from engine.core.catalogue import HOLD_FEATURES, Catalogue
from engine.core.errors import InvalidInput
from engine.core.placement import Channel, Slot
from engine.core.variant import Variant

VARIANTS = (
    Variant(
        "b", channels={"email": {}, "push": {}}, category='c"é', offer={"percent": 0.1}, embedding=(0.5, 0.0, -1 / 3)
    ),
    Variant("a", channels={"push": {}}),
)


@pytest.mark.parametrize("with_id", [True, False])
def test_features_and_digest_are_those_of_every_arm_by_itself(with_id):
    channels = (Channel("email", features={"rich": True}), Channel("push"))
    slots = (Slot("am", features={"hour": 0.3}), Slot("pm"))
    catalogue = Catalogue(VARIANTS, channels, slots, with_variant_id=with_id)
    by_id = {(item.id): item for item in (*VARIANTS, *channels, *slots)}
    digest = hashlib.blake2b(digest_size=12)
    assert len(catalogue) == 7
    for arm_id, found in zip(catalogue.ids, catalogue.features(), strict=True):
        if arm_id == HOLD:
            expected = HOLD_FEATURES
        else:
            variant, channel, slot = arm_id.split("/")
            parts = by_id[variant].arm_features(with_id=with_id)
            parts += by_id[channel].arm_features() + by_id[slot].arm_features()
            expected = tuple(sorted(parts, key=lambda f: "VCSOE".index(f.namespace)))
        assert found == expected
        digest.update(json.dumps([arm_id, [(f.key, f.value) for f in expected]]).encode())
    assert catalogue.digest == digest.hexdigest()


def test_columns_are_positions_and_an_unknown_arm_is_named():
    catalogue = Catalogue(VARIANTS, (Channel("push"),), (Slot("am"),))
    assert catalogue.columns(reversed(catalogue.ids)) == [2, 1, 0]
    with pytest.raises(InvalidInput, match="unknown arm 'c/push/am'"):
        catalogue.columns([HOLD, "c/push/am"])


def test_features_are_the_same_tuples_at_every_call():
    catalogue = Catalogue(VARIANTS, (Channel("push"),), (Slot("am"),))
    assert all(a is b for a, b in zip(catalogue.features(), catalogue.features(), strict=True))
