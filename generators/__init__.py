"""Generators: from a brief to verified copy, ready to become arms."""

from engine.extras import require

require("generators", "babel", "emoji", "opencc", "rapidfuzz", "jinja2")

from generators.brief import Brief
from generators.brief_file import read_briefs
from generators.feed import Feed, FeedColumns
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.studio import Studio, StudioReport
from generators.variants import variant_records, variants_from_file, write_variants
from generators.verification import Verifier
from generators.written import Written

__all__ = [
    "Brief",
    "Feed",
    "FeedColumns",
    "Offer",
    "OfferKind",
    "Product",
    "Studio",
    "StudioReport",
    "Verifier",
    "Written",
    "read_briefs",
    "variant_records",
    "variants_from_file",
    "write_variants",
]
