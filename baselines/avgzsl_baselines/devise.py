"""DeViSE: a linear map into word-vector space, trained with a hinge on every wrong class.

Frome, Corrado, Shlens, Bengio, Dean, Ranzato, Mikolov: "DeViSE: A Deep Visual-Semantic Embedding Model",
NeurIPS 2013, as adapted by the published code of the AVCA benchmark (Mercea et al., CVPR 2022): fixed
features, audio beside visual, all wrong classes in place of a sampled one, dropout on the class embeddings.
"""

from __future__ import annotations

from avgzsl_baselines.families.bilinear import BilinearMethod
from avgzsl_baselines.families.ranking import devise_loss


class DeViSE(BilinearMethod):
    """Bilinear compatibility, every violated class counts in full."""

    ranking_loss = staticmethod(devise_loss)
