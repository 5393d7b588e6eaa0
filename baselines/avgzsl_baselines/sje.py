"""SJE: a linear map into word-vector space, trained with a hinge on the worst wrong class.

Akata, Reed, Walter, Lee, Schiele: "Evaluation of Output Embeddings for Fine-Grained Image Classification",
CVPR 2015, as adapted by the published code of the AVCA benchmark (Mercea et al., CVPR 2022): audio beside
visual, one output embedding, a margin of 0.1 in place of 1, Adam, dropout on the class embeddings.
"""

from __future__ import annotations

from avgzsl_baselines.families.bilinear import BilinearMethod
from avgzsl_baselines.families.ranking import sje_loss


class SJE(BilinearMethod):
    """Bilinear compatibility, only the class that violates most counts."""

    ranking_loss = staticmethod(sje_loss)
