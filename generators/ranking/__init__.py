"""Which of the candidates become variants: scores, near copies, and room between those that are shown."""

from generators.ranking.diversity import Diversity
from generators.ranking.fit import BriefFit
from generators.ranking.fluency import Fluency
from generators.ranking.near_copies import NearCopies
from generators.ranking.predicted import CopyQuality, CtrPredictor, PredictedCtr, QualityPredictor
from generators.ranking.ranker import WEIGHTS, Ranker
from generators.ranking.scorer import Scorer

__all__ = [
    "WEIGHTS",
    "BriefFit",
    "CopyQuality",
    "CtrPredictor",
    "Diversity",
    "Fluency",
    "NearCopies",
    "PredictedCtr",
    "QualityPredictor",
    "Ranker",
    "Scorer",
]
