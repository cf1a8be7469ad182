"""Feedback: free-text comments into mood, topics, purchase intention, and outcomes that objectives can weigh."""

from generators.feedback.comment import Comment
from generators.feedback.comment_file import CommentColumns, read_comments
from generators.feedback.comment_language import comment_language
from generators.feedback.comment_outcomes import comment_outcomes, report_outcomes, write_outcomes
from generators.feedback.lexicon import Lexicon
from generators.feedback.masking import masked
from generators.feedback.opinion import Opinion
from generators.feedback.reader_model import OpinionModel
from generators.feedback.reading import ReadComment, read_opinions
from generators.feedback.variant_feedback import VariantFeedback, by_variant

__all__ = [
    "Comment",
    "CommentColumns",
    "Lexicon",
    "Opinion",
    "OpinionModel",
    "ReadComment",
    "VariantFeedback",
    "by_variant",
    "comment_language",
    "comment_outcomes",
    "masked",
    "read_comments",
    "read_opinions",
    "report_outcomes",
    "write_outcomes",
]
