"""ALE: a linear map into word-vector space, trained with a hinge weighted by the rank of the true class.

Akata, Perronnin, Harchaoui, Schmid: "Label-Embedding for Image Classification", IEEE Transactions on Pattern
Analysis and Machine Intelligence 38(7), 2016, doi 10.1109/TPAMI.2015.2487986, as adapted by the published code
of the AVCA benchmark (Mercea et al., CVPR 2022): audio beside visual, the rank counted over all training
classes in place of an estimate from sampled ones, Adam, dropout on the class embeddings.
"""

from __future__ import annotations

from avgzsl_baselines.families.bilinear import BilinearMethod
from avgzsl_baselines.families.ranking import ale_loss


class ALE(BilinearMethod):
    """Bilinear compatibility, violated classes count less the more of them there are."""

    ranking_loss = staticmethod(ale_loss)
