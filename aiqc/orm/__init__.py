"""The tables and their methods; the only room that knows the database.

`from aiqc.orm import *` gives every table in the order in which they relate. What their methods
do lives in the rooms below and is imported by the methods that need it, so that importing the
tables stays cheap.
"""

from __future__ import annotations

from aiqc.orm._cache_all import clear_cache_all
from aiqc.orm._database import create_db, setup
from aiqc.orm._maintenance import destroy_db
from aiqc.orm.algorithm import Algorithm
from aiqc.orm.dataset import Dataset
from aiqc.orm.feature import Feature
from aiqc.orm.feature_coder import FeatureCoder
from aiqc.orm.feature_interpolater import FeatureInterpolater
from aiqc.orm.feature_shaper import FeatureShaper
from aiqc.orm.fit import Fit
from aiqc.orm.fold import Fold
from aiqc.orm.hyperparamcombo import Hyperparamcombo
from aiqc.orm.hyperparamset import Hyperparamset
from aiqc.orm.job import Job
from aiqc.orm.label import Label
from aiqc.orm.label_coder import LabelCoder
from aiqc.orm.label_interpolater import LabelInterpolater
from aiqc.orm.metric_result import MetricResult
from aiqc.orm.prediction import Prediction
from aiqc.orm.predictor import Predictor
from aiqc.orm.queue import Queue
from aiqc.orm.run import Run
from aiqc.orm.splitset import Splitset
from aiqc.orm.splitset_feature import SplitsetFeature
from aiqc.orm.trial import Trial
from aiqc.orm.window import Window

__all__ = [  # noqa: RUF022 - in the order in which they relate
    "Dataset",
    "Feature",
    "Label",
    "LabelInterpolater",
    "FeatureInterpolater",
    "LabelCoder",
    "FeatureCoder",
    "Window",
    "FeatureShaper",
    "Splitset",
    "SplitsetFeature",
    "Fold",
    "Fit",
    "Algorithm",
    "Hyperparamset",
    "Hyperparamcombo",
    "Queue",
    "Trial",
    "Job",
    "Run",
    "Predictor",
    "Prediction",
    "MetricResult",
    "setup",
    "create_db",
    "destroy_db",
    "clear_cache_all",
]
