"""Which scorers a run has."""

from __future__ import annotations

from collections.abc import Sequence

from generators.embeddings.embedder import Embedder
from generators.hooks import CausalHooks, HookModel
from generators.ranking.fit import BriefFit
from generators.ranking.fluency import Fluency
from generators.ranking.predicted import CopyQuality
from generators.ranking.ranker import Ranker
from generators.ranking.scorer import Scorer
from generators.remembered import RememberedHooks
from generators.texts.quality import PACKAGED, QualityModel


def ranker_for(model: HookModel, embedder: Embedder, more: Sequence[Scorer] = ()) -> Ranker:
    """Return a ranker with all that is at hand.

    The packaged heads judge quality, a causal model fluency, and the embedder how a hook fits its brief.

    Args:
        model: Who writes; a causal model of our own process is asked a second time, as a reader.
        embedder: What embeds the copy.
        more: Further scorers, such as the predicted click-through rate.
    """
    quality = CopyQuality({language: QualityModel.packaged(language) for language in PACKAGED})
    scorers: list[Scorer] = [BriefFit(embedder), quality, *more]
    writer = model.model_behind if isinstance(model, RememberedHooks) else model
    if isinstance(writer, CausalHooks):
        judge = Fluency(writer.model, writer.tokenizer, version=writer.name, languages=writer.languages)
        scorers.append(judge)
    return Ranker(scorers)
