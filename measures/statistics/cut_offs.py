"""Where between two groups does a score lie: the three cut-offs of Jacobson & Truax.

Jacobson & Truax (1991), J Consult Clin Psychol 59:12-19. For outcome measures only: nobody recovers on an alliance
scale.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class CutOffs:
    """In units of the score: `a` two SDs of the clinical group beyond its mean, towards the functional one; `b` two SDs
    of the functional group before its mean; `c` between both, where either group is equally many SDs away."""

    a: float
    b: float
    c: float


def cut_offs(*, clinical_mean: float, clinical_sd: float, functional_mean: float, functional_sd: float) -> CutOffs:
    """The cut-offs between a clinical and a functional group, whichever of the two scores higher.

    b takes the functional SD; a widely used package takes the clinical one. Raises ValueError for a mean that is not
    finite, an SD ≤ 0, and equal means, which lie on no side of each other.
    """
    if not (math.isfinite(clinical_mean) and math.isfinite(functional_mean)):
        raise ValueError("both means must be finite numbers")
    if not all(math.isfinite(sd) and sd > 0 for sd in (clinical_sd, functional_sd)):
        raise ValueError("both SDs must be greater than 0")
    if clinical_mean == functional_mean:
        raise ValueError("the two means must differ")
    towards = math.copysign(2, functional_mean - clinical_mean)
    return CutOffs(
        a=clinical_mean + towards * clinical_sd,
        b=functional_mean - towards * functional_sd,
        c=(clinical_sd * functional_mean + functional_sd * clinical_mean) / (clinical_sd + functional_sd),
    )
