"""Embeddings of copy: hashed character n-grams by default, encoders where they are wanted."""

from generators.embeddings.chargram import ChargramEmbedder
from generators.embeddings.choice import embedder_named
from generators.embeddings.embedder import Embedder
from generators.embeddings.encoder import EncoderEmbedder
from generators.embeddings.projection import orthogonal_projection

__all__ = ["ChargramEmbedder", "Embedder", "EncoderEmbedder", "embedder_named", "orthogonal_projection"]
