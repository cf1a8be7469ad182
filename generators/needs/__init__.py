"""Needs: browsing, carts, purchases and searches → interests with evidence and confidence, and briefs from them."""

from engine.extras import require

require("profiles", "polars", "scipy", "sklearn")

from generators.needs.analysis import NeedsAnalysis
from generators.needs.briefing import BriefFromNeeds, Campaign, brief_for, briefs_for
from generators.needs.channels import ChannelModel
from generators.needs.interest import Evidence, Interest
from generators.needs.needs import Needs
from generators.needs.report import needs_report
from generators.needs.segment_table import segment_table
from generators.needs.segments import Segment, attribute_segment, cluster_segments, read_users
from generators.needs.settings import NeedsSettings

__all__ = [
    "BriefFromNeeds",
    "Campaign",
    "ChannelModel",
    "Evidence",
    "Interest",
    "Needs",
    "NeedsAnalysis",
    "NeedsSettings",
    "Segment",
    "attribute_segment",
    "brief_for",
    "briefs_for",
    "cluster_segments",
    "needs_report",
    "read_users",
    "segment_table",
]
