"""The measures of two models' weights: what each is, where it comes from, what it survives. More means more alike."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """`survives`: what somebody may do to the weights, without changing what the model says, and not change it.

    `decides`: whether the sentence about ancestry rests on it; chosen for a reason, not by the rates: each of
    these has a reason to be near 0 for any two trainings that started from different random numbers.
    """

    name: str
    title: str
    source: str
    survives: str
    decides: bool


MEASURES = (
    Measure(
        "std_profile",
        "standard deviations of Q, K, V, O over the layers, correlated",
        "Yoon et al. 2025 (arXiv:2507.03014): the accusation against Pangu Pro MoE",
        "permutation, rotation; another number of layers",
        decides=False,
    ),
    Measure(
        "qk_spectra",
        "spectra of the QK circuits over the layers, correlated",
        "after Zhang et al. 2025 (SELF, arXiv:2512.03620); circuits: Elhage et al. 2021",
        "permutation, rotation; another size or number of layers",
        decides=False,
    ),
    Measure(
        "ov_spectra",
        "spectra of the OV circuits over the layers, correlated",
        "as above",
        "as above",
        decides=False,
    ),
    Measure(
        "embedding_alignment",
        "shared tokens' embeddings, unbiased linear CKA",
        "Kornblith et al. 2019, section 3; Song et al. 2012, eq. 5",
        "permutation, rotation; another hidden size or vocabulary",
        decides=False,
    ),
    Measure(
        "huref_terms",
        "invariant terms of shared tokens, mean cosine",
        "Zeng et al. 2023 (HuRef, arXiv:2312.04828): M_a and M_b",
        "permutation, rotation; another size or number of layers or vocabulary",
        decides=False,
    ),
    Measure(
        "qk_circuits",
        "QK circuits between shared tokens, embeddings whitened, mean cosine",
        "after M_a of Zeng et al. 2023; whitened here",
        "as above",
        decides=True,
    ),
    Measure(
        "ov_circuits",
        "OV circuits between shared tokens, embeddings whitened, mean cosine",
        "after M_b of Zeng et al. 2023; whitened here",
        "as above",
        decides=True,
    ),
    Measure(
        "cosine",
        "matrices of one role and shape, mean cosine",
        "the direction of the parameters: Zeng et al. 2023 (HuRef, arXiv:2312.04828)",
        "scaling; not permutation, not rotation",
        decides=True,
    ),
)
BY_NAME = {measure.name: measure for measure in MEASURES}
