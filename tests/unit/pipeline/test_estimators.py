"""Estimators as bytes: bit-equal round trips, and forged bytes that are refused."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import sklearn
import skops
import skops.io
from sklearn import (
    compose,
    discriminant_analysis,
    ensemble,
    feature_extraction,
    gaussian_process,
    impute,
    linear_model,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)

from aiqc.core.errors import CorruptBlob, InvalidCoder, UntrustedCode
from aiqc.pipeline.estimator_bytes import content_digest
from aiqc.pipeline.estimators import dump_estimator, load_estimator

RNG = np.random.default_rng(7)
FEATURES = np.abs(RNG.normal(size=(60, 3)))
NUMBERS = FEATURES @ np.array([1.0, -2.0, 0.5]) + 0.1 * RNG.normal(size=60)
CLASSES = np.digitize(NUMBERS, np.quantile(NUMBERS, [0.3, 0.7]))
WORDS = np.array(["b", "a", "c"], dtype=object)[CLASSES].reshape(-1, 1)
TEXT = ["red green", "green blue", "blue red red"] * 20

PREPROCESSORS = [
    preprocessing.StandardScaler(),
    preprocessing.MinMaxScaler(),
    preprocessing.MaxAbsScaler(),
    preprocessing.RobustScaler(),
    preprocessing.Normalizer(),
    preprocessing.PowerTransformer(),
    preprocessing.QuantileTransformer(n_quantiles=20),
    preprocessing.KBinsDiscretizer(encode="onehot-dense", quantile_method="averaged_inverted_cdf"),
    preprocessing.PolynomialFeatures(),
    preprocessing.SplineTransformer(),
    preprocessing.FunctionTransformer(np.log1p, np.expm1),
    impute.SimpleImputer(),
    impute.KNNImputer(),
]
MODELS = [
    linear_model.LogisticRegression(),
    linear_model.SGDClassifier(),
    linear_model.Perceptron(),
    linear_model.LinearRegression(),
    linear_model.Ridge(),
    linear_model.Lasso(0.01),
    tree.DecisionTreeClassifier(),
    tree.DecisionTreeRegressor(),
    ensemble.RandomForestClassifier(5),
    ensemble.ExtraTreesRegressor(5),
    ensemble.GradientBoostingClassifier(n_estimators=4),
    ensemble.GradientBoostingRegressor(n_estimators=4),
    ensemble.HistGradientBoostingClassifier(max_iter=4),
    ensemble.HistGradientBoostingRegressor(max_iter=4),
    ensemble.AdaBoostClassifier(n_estimators=4),
    ensemble.BaggingClassifier(n_estimators=4, max_features=0.7),
    ensemble.VotingClassifier(
        [("a", naive_bayes.GaussianNB()), ("b", tree.DecisionTreeClassifier(max_depth=2))]
    ),
    neighbors.KNeighborsClassifier(algorithm="kd_tree", leaf_size=4),
    neighbors.KNeighborsClassifier(algorithm="ball_tree", leaf_size=4),
    neighbors.KNeighborsRegressor(algorithm="brute"),
    naive_bayes.GaussianNB(),
    naive_bayes.MultinomialNB(),
    naive_bayes.BernoulliNB(),
    svm.SVC(),
    svm.SVR(),
    svm.LinearSVC(),
    neural_network.MLPClassifier((4,), max_iter=2000, tol=0.01, random_state=0),
    discriminant_analysis.LinearDiscriminantAnalysis(),
    gaussian_process.GaussianProcessClassifier(),
    pipeline.make_pipeline(
        compose.ColumnTransformer(
            [("scale", preprocessing.StandardScaler(), [0, 1])], remainder="passthrough"
        ),
        svm.SVC(),
    ),
]


def same_bits(first: Any, second: Any) -> bool:
    first, second = np.asarray(first), np.asarray(second)
    return first.dtype == second.dtype and first.tobytes() == second.tobytes()


@pytest.mark.parametrize("estimator", PREPROCESSORS, ids=lambda item: type(item).__name__)
def test_preprocessors_transform_bit_equal(estimator: Any) -> None:
    estimator.fit(FEATURES)
    again = load_estimator(dump_estimator(estimator))
    assert type(again) is type(estimator)
    assert same_bits(again.transform(FEATURES), estimator.transform(FEATURES))


@pytest.mark.parametrize("estimator", MODELS, ids=lambda item: type(item).__name__)
def test_models_predict_bit_equal(estimator: Any) -> None:
    is_classifier = "classifier" in str(estimator.__sklearn_tags__().estimator_type)
    estimator.fit(FEATURES, CLASSES if is_classifier else NUMBERS)
    again = load_estimator(dump_estimator(estimator))
    assert same_bits(again.predict(FEATURES), estimator.predict(FEATURES))
    if hasattr(estimator, "predict_proba"):
        assert same_bits(again.predict_proba(FEATURES), estimator.predict_proba(FEATURES))


def test_encoders_of_text_survive() -> None:
    encoder = preprocessing.OneHotEncoder(sparse_output=False).fit(WORDS)
    target = preprocessing.TargetEncoder().fit(WORDS, NUMBERS)
    counter = feature_extraction.text.TfidfVectorizer().fit(TEXT)
    again = load_estimator(dump_estimator([encoder, target, counter]))
    assert again[0].categories_[0].tolist() == ["a", "b", "c"]
    assert same_bits(again[0].transform(WORDS), encoder.transform(WORDS))
    assert same_bits(again[1].transform(WORDS), target.transform(WORDS))
    assert same_bits(again[2].transform(TEXT).toarray(), counter.transform(TEXT).toarray())


def test_round_trip_in_another_process(tmp_path: Path) -> None:
    forest = ensemble.RandomForestClassifier(5, random_state=0).fit(FEATURES, CLASSES)
    (tmp_path / "model").write_bytes(dump_estimator(forest))
    np.save(tmp_path / "features.npy", FEATURES)
    code = (
        "import sys, numpy as np; from aiqc.pipeline.estimators import load_estimator\n"
        "model = load_estimator(open(sys.argv[1] + '/model', 'rb').read())\n"
        "features = np.load(sys.argv[1] + '/features.npy')\n"
        "sys.stdout.write(model.predict_proba(features).tobytes().hex())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True, text=True
    )
    assert bytes.fromhex(run.stdout) == forest.predict_proba(FEATURES).tobytes()


DUMPS = """
import hashlib, sys
from pathlib import Path
folder = Path(sys.argv[1])
sys.path.insert(0, sys.argv[2])
import warnings; warnings.simplefilter("ignore")
import numpy as np
import test_estimators as own
from aiqc.pipeline.estimator_bytes import content_digest
from aiqc.pipeline.estimators import dump_estimator, load_estimator
for number, estimator in enumerate([*own.PREPROCESSORS, *own.MODELS]):
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    target = own.NUMBERS
    if "classifier" in str(estimator.__sklearn_tags__().estimator_type):
        target = own.CLASSES
    data = dump_estimator(estimator.fit(own.FEATURES, target))
    again = dump_estimator(load_estimator(data))
    name = type(estimator).__name__
    print(number, name, hashlib.sha256(data).hexdigest(), data == again)
scaler = own.preprocessing.StandardScaler().fit(own.FEATURES)
scaler.names_seen_ = {"red", "of", "the", "and", "or"}
print("set", hashlib.sha256(dump_estimator(scaler)).hexdigest(), True)
"""


def test_equal_estimators_give_equal_bytes_in_every_process(tmp_path: Path) -> None:
    def dumps(seed: str, waste: str) -> list[str]:
        code = f"wasted = [object() for _ in range({waste})]\n{DUMPS}"
        run = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert run.returncode == 0, run.stderr
        return run.stdout.splitlines()

    first, second = dumps("1", "10"), dumps("2", "100003")
    assert len(first) == len(PREPROCESSORS) + len(MODELS) + 1
    assert first == second
    # an estimator that was stored and loaded is stored as the same bytes
    assert [line for line in first if not line.endswith("True")] == []


def test_what_was_one_object_stays_one() -> None:
    shared, equal = np.arange(3.0), np.arange(3.0)
    scaler = preprocessing.StandardScaler().fit(FEATURES)
    scaler.mean_, scaler.var_, scaler.scale_ = shared, shared, equal
    again = load_estimator(dump_estimator(scaler))
    assert again.mean_ is again.var_
    assert again.mean_ is not again.scale_
    assert same_bits(again.scale_, equal)


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        (preprocessing.StandardScaler(), preprocessing.StandardScaler(), True),
        (preprocessing.StandardScaler(), preprocessing.StandardScaler(with_mean=False), False),
        (preprocessing.StandardScaler(), preprocessing.MinMaxScaler(), False),
        # numpy's repr shows six values of a thousand and more
        (
            preprocessing.OrdinalEncoder(categories=[np.arange(2000)]),
            preprocessing.OrdinalEncoder(categories=[np.r_[:1000, 1001, 1000, 1002:2000]]),
            False,
        ),
        # repr of a generator is its address
        (
            preprocessing.QuantileTransformer(random_state=np.random.RandomState(3)),
            preprocessing.QuantileTransformer(random_state=np.random.RandomState(3)),
            True,
        ),
        (
            preprocessing.QuantileTransformer(random_state=np.random.RandomState(3)),
            preprocessing.QuantileTransformer(random_state=np.random.RandomState(4)),
            False,
        ),
    ],
)
def test_digest_is_of_class_and_parameters(first: Any, second: Any, equal: bool) -> None:
    digests = [content_digest(dump_estimator(one)) for one in (first, second)]
    assert (digests[0] == digests[1]) is equal


def test_digest_does_not_change_with_a_version() -> None:
    data = dump_estimator(preprocessing.StandardScaler())
    upgrade = replace_in_schema(f'\\"{sklearn.__version__}\\"', '\\"99.0\\"')
    newer = forge(forge(data, upgrade), replace_in_schema(skops.__version__, "99.1"))
    assert newer != data
    assert content_digest(newer) == content_digest(data)


def test_bytes_are_deflated() -> None:
    model = linear_model.LogisticRegression().fit(FEATURES, CLASSES)
    assert len(dump_estimator(model)) < len(skops.io.dumps(model)) / 3


class Own(preprocessing.StandardScaler):
    """A user's own class."""


def own_function(values: Any) -> Any:
    return values


@pytest.mark.parametrize(
    ("estimator", "named"),
    [
        (Own().fit(FEATURES), "Own"),
        (preprocessing.FunctionTransformer(own_function).fit(FEATURES), "own_function"),
        (pipeline.make_pipeline(Own()).fit(FEATURES), "Own"),
    ],
)
def test_foreign_types_are_not_written(estimator: Any, named: str) -> None:
    with pytest.raises(InvalidCoder, match=named):
        dump_estimator(estimator)


# forged bytes: a valid file in which a few values are replaced


def forge(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def replace_in_schema(old: str, new: str) -> Callable[[dict[str, bytes]], None]:
    def change(entries: dict[str, bytes]) -> None:
        text = entries["schema.json"].decode()
        assert old in text
        entries["schema.json"] = text.replace(old, new).encode()

    return change


def replace_field(field: str, position: int, value: int) -> Callable[[dict[str, bytes]], None]:
    """Overwrite one field of one node in the array that has this field."""

    def change(entries: dict[str, bytes]) -> None:
        for name, content in entries.items():
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(content))
                if field in (array.dtype.names or ()):
                    array[field][position] = value
                    buffer = io.BytesIO()
                    np.save(buffer, array)
                    entries[name] = buffer.getvalue()
                    return
        pytest.fail(f"no array has the field {field}")

    return change


TREE = dump_estimator(tree.DecisionTreeClassifier(random_state=0).fit(FEATURES, CLASSES))
BOOSTED = dump_estimator(ensemble.HistGradientBoostingRegressor(max_iter=2).fit(FEATURES, NUMBERS))
NEAR = dump_estimator(
    neighbors.KNeighborsClassifier(algorithm="kd_tree", leaf_size=4).fit(FEATURES, CLASSES)
)


@pytest.mark.parametrize(
    "change",
    [
        replace_field("left_child", 0, 10**9),
        replace_field("right_child", 0, 10**9),
        replace_field("left_child", 0, -7),
        # a child that is its own parent never ends
        replace_field("left_child", 0, 0),
        replace_field("right_child", 1, 0),
        replace_field("feature", 0, 3),
        replace_field("feature", 0, -1),
        # a leaf on one side only
        replace_field("left_child", 0, -1),
    ],
)
def test_a_tree_that_points_outside_is_refused(change: Any) -> None:
    with pytest.raises(CorruptBlob, match=r"Tree holds an index .* out of bounds"):
        load_estimator(forge(TREE, change))


def test_a_tree_that_declares_more_nodes_than_it_has_is_refused() -> None:
    count = load_estimator(TREE).tree_.node_count
    schema = json.loads(zipfile.ZipFile(io.BytesIO(TREE)).read("schema.json"))
    state = schema["content"]["content"]["tree_"]["content"]["content"]["node_count"]
    assert state["content"] == str(count)
    state["content"] = "1000000"
    state["__id__"] = 10**6

    def change(entries: dict[str, bytes]) -> None:
        entries["schema.json"] = json.dumps(schema).encode()

    with pytest.raises(CorruptBlob, match="declares other sizes"):
        load_estimator(forge(TREE, change))


def test_a_tree_whose_class_counts_are_too_few_is_refused() -> None:
    schema = json.loads(zipfile.ZipFile(io.BytesIO(TREE)).read("schema.json"))
    outputs = schema["content"]["content"]["tree_"]["__reduce__"]["args"]["content"][2]
    outputs["content"], outputs["__id__"] = "9000", 10**6

    def change(entries: dict[str, bytes]) -> None:
        entries["schema.json"] = json.dumps(schema).encode()

    with pytest.raises(CorruptBlob, match="declares other sizes"):
        load_estimator(forge(TREE, change))


def test_two_objects_under_one_id_are_refused() -> None:
    schema = json.loads(zipfile.ZipFile(io.BytesIO(TREE)).read("schema.json"))
    arrays = schema["content"]["content"]["tree_"]["content"]["content"]
    arrays["nodes"]["__id__"] = arrays["values"]["__id__"]

    def change(entries: dict[str, bytes]) -> None:
        entries["schema.json"] = json.dumps(schema).encode()

    with pytest.raises(CorruptBlob, match="share the id"):
        load_estimator(forge(TREE, change))


@pytest.mark.parametrize(
    "change",
    [
        replace_field("left", 0, 10**6),
        replace_field("right", 0, 0),
        replace_field("feature_idx", 0, 3),
        replace_field("is_categorical", 0, 1),
    ],
)
def test_a_boosted_tree_that_points_outside_is_refused(change: Any) -> None:
    with pytest.raises(CorruptBlob, match=r"TreePredictor holds an index .* out of bounds"):
        load_estimator(forge(BOOSTED, change))


@pytest.mark.parametrize(
    "change", [replace_field("idx_end", 0, 10**6), replace_field("is_leaf", -1, 0)]
)
def test_a_neighbour_tree_that_points_outside_is_refused(change: Any) -> None:
    with pytest.raises(CorruptBlob, match=r"KDTree holds an index .* out of bounds"):
        load_estimator(forge(NEAR, change))


def test_a_vocabulary_that_points_outside_is_refused() -> None:
    counter = feature_extraction.text.CountVectorizer().fit(TEXT)
    counter.vocabulary_["red"] = 5000
    with pytest.raises(CorruptBlob, match="CountVectorizer"):
        load_estimator(skops.io.dumps(counter))


def test_a_support_vector_count_that_lies_is_refused() -> None:
    machine = svm.SVC().fit(FEATURES, CLASSES)
    machine._n_support = machine._n_support + np.int32(1000)
    with pytest.raises(CorruptBlob, match="SVC"):
        load_estimator(skops.io.dumps(machine))


def test_a_sparse_matrix_that_points_outside_is_refused() -> None:
    machine = svm.LinearSVC().fit(FEATURES, CLASSES)
    machine.coef_ = scipy.sparse.csr_matrix(machine.coef_)
    assert same_bits(
        load_estimator(dump_estimator(machine)).coef_.toarray(), machine.coef_.toarray()
    )
    machine.coef_.indices[0] = 10**6
    with pytest.raises(CorruptBlob, match="csr_matrix"):
        load_estimator(skops.io.dumps(machine))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        # the classic: a function of the operating system as a parameter
        ('"__class__": "log1p"', '"__class__": "system"', "numpy.system"),
        ('"__module__": "numpy"', '"__module__": "os"', "os.log1p"),
        ('"FunctionNode"', '"TypeNode"', "numpy.log1p"),
        # trusted by skops, not by us
        (
            "sklearn.preprocessing._function_transformer",
            "sklearn.datasets._base",
            "sklearn.datasets._base.FunctionTransformer",
        ),
        ('"builtins"', '"sklearn.utils"', "sklearn.utils.dict"),
    ],
)
def test_other_types_are_refused(old: str, new: str, named: str) -> None:
    data = dump_estimator(preprocessing.FunctionTransformer(np.log1p).fit(FEATURES))
    with pytest.raises(UntrustedCode, match=named):
        load_estimator(forge(data, replace_in_schema(old, new)))


def test_a_method_call_is_refused_before_it_runs(tmp_path: Path) -> None:
    data = skops.io.dumps(preprocessing.FunctionTransformer((tmp_path / "canary").touch))
    with pytest.raises(UntrustedCode, match="MethodNode"):
        load_estimator(data)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("data", [b"", b"not a zip", TREE[:-30], TREE[: len(TREE) // 2]])
def test_damaged_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(CorruptBlob, match="not a stored estimator"):
        load_estimator(data)
