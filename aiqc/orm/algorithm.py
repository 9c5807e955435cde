"""Algorithm: the functions that build, train and run a model (spec/003 §9)."""

from __future__ import annotations

import hashlib
import inspect
import warnings
from typing import TYPE_CHECKING, Any

from peewee import ForeignKeyField

from aiqc.core.codecs import from_json, to_json
from aiqc.core.enums import AnalysisType, Library
from aiqc.core.errors import ResultWarning
from aiqc.core.types import Functions
from aiqc.orm._base import BaseModel, check_info
from aiqc.orm._blobs import Blob, put_blob, read_blob
from aiqc.orm._by_id import by_id
from aiqc.orm._fields import Digest, EnumField, JSONField
from aiqc.orm._lists import one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiqc.core.functions import FunctionBundle

#: the functions of an Algorithm, in the order of spec/003 §9a
ROLES = ("fn_build", "fn_lose", "fn_optimize", "fn_train", "fn_predict")


class Algorithm(BaseModel):
    """A library, an analysis type, and the functions, stored as the code that will run."""

    library: EnumField[Library] = EnumField(Library)
    analysis_type: EnumField[AnalysisType] = EnumField(AnalysisType)
    build_content = ForeignKeyField(Blob, on_delete="RESTRICT", backref="+")
    lose_content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
    optimize_content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
    train_content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
    predict_content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
    #: the user's own metrics, {name: code}
    metrics_content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
    #: {field: signature} of every function and metric
    signatures = JSONField()
    #: identity: library, analysis type and code
    sha256_hexdigest = Digest()

    @classmethod
    def make(
        cls,
        library: str,
        analysis_type: str,
        fn_build: Callable[..., Any],
        fn_train: Callable[..., Any] | None = None,
        fn_predict: Callable[..., Any] | None = None,
        fn_lose: Callable[..., Any] | None = None,
        fn_optimize: Callable[..., Any] | None = None,
        *,
        metrics: Mapping[str, Callable[..., float]] | None = None,
        name: str | None = None,
        description: str | None = None,
    ) -> Algorithm:
        """Check, bundle, sign and store the functions of a model.

        Nothing is trained. Each function is stored as a readable bundle of source, with the
        functions, classes, imports and constants that it uses, and that bundle is what runs.

        Parameters
        ----------
        library
            'keras', 'pytorch' or 'sklearn', in any case.
        analysis_type
            'classification_binary', 'classification_multi' or 'regression'.
        fn_build
            `fn_build(features_shape, label_shape, **hp)` returns a model or estimator.
        fn_train
            `fn_train(model, loser, optimizer, train_features, train_label, eval_features,
            eval_label, **hp)` returns the model and, if there is one, its history; optional for
            'sklearn' and 'toy' only.
        fn_predict
            `fn_predict(model, features)` returns predictions, or (predictions, probabilities).
        fn_lose
            `fn_lose(**hp)` returns the loss.
        fn_optimize
            `fn_optimize(**hp)`, or `fn_optimize(model, **hp)` for PyTorch, returns the optimizer.
        metrics
            Metrics of your own: {name: function(true, predicted)}, on decoded values.
        name, description
            Information for people.

        Raises
        ------
        InvalidInput
            If library or analysis type is unknown.
        InvalidFunction
            If a function's parameters do not fit, or it uses a global that cannot be stored.
        """
        from aiqc.core.functions import bundle_function, to_bytes
        from aiqc.pipeline.metrics.custom import check_custom
        from aiqc.pipeline.metrics.registry import metrics_all
        from aiqc.training.signatures import check_functions

        check_info(name, description)
        kind = one_of(Library, library, "library")
        analysis = one_of(AnalysisType, analysis_type, "analysis_type")
        check_functions(kind, analysis, fn_build, fn_train, fn_predict, fn_lose, fn_optimize)
        check_custom(metrics or {}, metrics_all)
        given = dict(
            zip(ROLES, (fn_build, fn_lose, fn_optimize, fn_train, fn_predict), strict=True)
        )
        bundles = {
            role: bundle_function(function, role)
            for role, function in given.items()
            if function is not None
        }
        own = {
            key: bundle_function(fn, f"metrics[{key!r}]") for key, fn in (metrics or {}).items()
        }
        _warn_opaque(bundles | own)
        signatures = {role: _sign(role, kind, bundle) for role, bundle in bundles.items()}
        signatures |= {
            f"metrics.{key}": _sign(f"metrics.{key}", kind, b) for key, b in own.items()
        }
        contents = {
            f"{role.removeprefix('fn_')}_content": put_blob(to_bytes(bundle), "function")
            for role, bundle in bundles.items()
        }
        if own:
            packed = to_json({key: to_bytes(bundle).decode() for key, bundle in own.items()})
            contents["metrics_content"] = put_blob(packed.encode(), "functions")
        return cls.create(
            library=kind,
            analysis_type=analysis,
            signatures=signatures,
            sha256_hexdigest=_identity(kind, analysis, bundles | own),
            name=name,
            description=description,
            **contents,
        )

    @property
    def fn_build(self) -> bytes | None:
        """The stored bundle of the function."""
        return _bytes(self.build_content)

    @property
    def fn_lose(self) -> bytes | None:
        """The stored bundle of the function; None for the library's default."""
        return _bytes(self.lose_content)

    @property
    def fn_optimize(self) -> bytes | None:
        """The stored bundle of the function; None for the library's default."""
        return _bytes(self.optimize_content)

    @property
    def fn_train(self) -> bytes | None:
        """The stored bundle of the function; None for the library's default."""
        return _bytes(self.train_content)

    @property
    def fn_predict(self) -> bytes | None:
        """The stored bundle of the function; None for the library's default."""
        return _bytes(self.predict_content)

    @by_id
    def get_code(self) -> dict[str, str]:
        """Return {function: the source that will run}, the library's defaults included.

        Nothing is executed, so a stranger's store can be read with it.
        """
        from aiqc.core.functions import reveal_code
        from aiqc.training.backend import default_functions

        defaults = default_functions(self.library, self.analysis_type)
        code = {}
        for role in ROLES:
            stored = getattr(self, role)
            if stored is not None:
                code[role] = reveal_code(stored)
            else:
                default = defaults.get(role)
                code[role] = "" if default is None else inspect.getsource(default)
        bundles = self.metric_bundles()
        return code | {f"metrics.{key}": reveal_code(bundle) for key, bundle in bundles.items()}

    def metric_bundles(self) -> dict[str, FunctionBundle]:
        """Return the bundles of the user's own metrics."""
        from aiqc.core.functions import from_bytes

        if self.metrics_content is None:
            return {}
        packed = from_json(read_blob(self.metrics_content).decode())
        return {key: from_bytes(text.encode()) for key, text in packed.items()}

    def bundles(self) -> dict[str, FunctionBundle]:
        """Return every stored bundle by the name it is signed under."""
        from aiqc.core.functions import from_bytes

        stored = {role: getattr(self, role) for role in ROLES}
        roles = {role: from_bytes(data) for role, data in stored.items() if data is not None}
        return roles | {f"metrics.{key}": b for key, b in self.metric_bundles().items()}

    def load(self) -> tuple[Functions, dict[str, Callable[..., float]]]:
        """Return the functions and own metrics, ready to call.

        Raises
        ------
        UntrustedCode
            If the code was not signed with this user's key.
        """
        from aiqc.core.functions import load_function
        from aiqc.core.trust import require_trust

        bundles = self.bundles()
        for field, bundle in bundles.items():
            require_trust(
                self.signatures.get(field, ""),
                "Algorithm",
                field,
                str(self.library),
                bundle.sha256,
                opaque=bundle.is_opaque,
            )
        loaded = {field: load_function(bundle) for field, bundle in bundles.items()}
        functions = Functions(
            build=loaded["fn_build"],
            train=loaded.get("fn_train"),
            predict=loaded.get("fn_predict"),
            lose=loaded.get("fn_lose"),
            optimize=loaded.get("fn_optimize"),
        )
        own = {f.removeprefix("metrics."): fn for f, fn in loaded.items() if f not in ROLES}
        return functions, own

    def sign_again(self) -> None:
        """Sign the stored code with this user's key; `aiqc.trust` calls it."""
        self.signatures = {f: _sign(f, self.library, b) for f, b in self.bundles().items()}
        self.save()


def _warn_opaque(bundles: Mapping[str, FunctionBundle]) -> None:
    for field, bundle in bundles.items():
        if bundle.is_opaque:
            message = f"{field} is stored as bytes that cannot be read: {bundle.reason}."
            warnings.warn(message, ResultWarning, stacklevel=4)


def _sign(field: str, library: Library, bundle: FunctionBundle) -> str:
    from aiqc.core.trust import sign

    return sign("Algorithm", field, str(library), bundle.sha256)


def _identity(kind: Library, analysis: AnalysisType, bundles: Mapping[str, FunctionBundle]) -> str:
    facts = {
        "library": str(kind),
        "analysis_type": str(analysis),
        "code": {field: bundle.sha256 for field, bundle in sorted(bundles.items())},
    }
    return hashlib.sha256(to_json(facts).encode()).hexdigest()


def _bytes(content: Blob | None) -> bytes | None:
    return None if content is None else read_blob(content)
