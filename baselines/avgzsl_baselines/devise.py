"""DeViSE: a linear map into word-vector space, trained with a hinge on every wrong class.

Frome, Corrado, Shlens, Bengio, Dean, Ranzato, Mikolov: "DeViSE: A Deep Visual-Semantic Embedding Model",
NeurIPS 2013, as adapted by the published code of the AVCA benchmark (Mercea et al., CVPR 2022): fixed
features, audio beside visual, all wrong classes in place of a sampled one, dropout on the class embeddings.
"""

from __future__ import annotations

from torch import Tensor

from avgzsl_baselines.families.bilinear import BilinearMethod
from avgzsl_baselines.families.ranking import devise_loss


class DeViSE(BilinearMethod):
    """Bilinear compatibility, every violated class counts in full."""

    def ranking_loss(self, compatibility: Tensor, label: Tensor) -> Tensor:
        """Sum the hinge terms of wrong classes, mean over videos (`devise_loss`)."""
        return devise_loss(compatibility, label, self.config.margin)
