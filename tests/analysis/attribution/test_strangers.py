"""False accusation is the worst error: many made-up lineages that are in no library, and how often one is named."""

import numpy as np
import pytest

from analysis.attribution.attribute import Rules
from analysis.attribution.posterior import UNKNOWN, Attributor
from analysis.kinship.classifier import fit_kinship
from analysis.kinship.pairing import Pairing
from analysis.signatures.observation import Access
from tests.signatures import sign

WORLDS = 5
CANDIDATES = 18
FAMILIES = ["ash"] * 4 + ["birch"] * 4 + ["cedar"] * 4


@pytest.mark.parametrize("access", [Access("logits"), Access("text", draws=4)], ids=["logits", "text"])
def test_strangers_are_unknown_and_relatives_are_not(access: Access) -> None:
    strangers, relatives = [], []
    for world in range(WORLDS):
        fine = [sign(number // 4, number % 4, world=world) for number in range(12)]
        seen = [sign(number // 4, number % 4, world=world, access=access) for number in range(12)]
        pairing = Pairing()
        kinship = fit_kinship(pairing, seen, fine, FAMILIES, Rules().regularisation)
        attributor = Attributor(kinship, pairing).fit(fine, FAMILIES)
        assert attributor.classes_[-1] == UNKNOWN
        unrelated = [sign(10 + n, n % 2, world=world, access=access) for n in range(CANDIDATES)]
        related = [sign(n % 3, 10 + n, world=world, access=access) for n in range(CANDIDATES)]
        strangers.append(attributor.predict_proba(unrelated))
        relatives.append(attributor.predict_proba(related))
    innocent = np.concatenate(strangers)
    # Of 90 strangers none is named, so the rate is below 3.3% with 95% confidence (Hanley and Lippman-Hand 1983).
    assert (innocent[:, :-1].max(axis=1) >= 0.9).sum() == 0
    assert innocent[:, -1].mean() > 0.9
    own = np.concatenate(relatives)
    truth = np.tile(np.arange(CANDIDATES) % 3, WORLDS)
    assert (own.argmax(axis=1) == truth).all()
    assert own.max(axis=1).mean() > 0.9
