"""Text models: heads on encoders and whole encoders, for quality, intent and click rate."""

from generators.texts.classifier import Classifier, TextClassifier
from generators.texts.copy_outcomes import CopyOutcome, copy_texts, outcomes_of_log
from generators.texts.ctr_fitting import fit_ctr
from generators.texts.ctr_model import CtrModel
from generators.texts.fine_tuning import FineTuned, TuningOptions, fine_tune
from generators.texts.fitting import fit_head
from generators.texts.head import LogisticHead
from generators.texts.quality import QualityModel
from generators.texts.saved_head import load_head, save_head

__all__ = [
    "Classifier",
    "CopyOutcome",
    "CtrModel",
    "FineTuned",
    "LogisticHead",
    "QualityModel",
    "TextClassifier",
    "TuningOptions",
    "copy_texts",
    "fine_tune",
    "fit_ctr",
    "fit_head",
    "load_head",
    "outcomes_of_log",
    "save_head",
]
