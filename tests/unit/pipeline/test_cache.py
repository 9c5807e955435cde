from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from aiqc.core.errors import InvalidInput, NotReady
from aiqc.pipeline import cache
from aiqc.pipeline.cache import Manifest

LABEL = np.arange(6).reshape(6, 1)
FEATURES = [np.arange(12.0).reshape(6, 2), np.arange(36, dtype=np.float32).reshape(6, 3, 2)]

WRITER = """
import sys
from pathlib import Path
import numpy as np
from aiqc.pipeline import cache
folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(rounds):
    entries = {}
    cache.start_cache(folder, "key")
    for fold in range(3):
        for split in ("folds_train_combined", "fold_validation", "test"):
            rng = np.random.default_rng([fold, len(split)])
            label, features = rng.integers(0, 9, (500, 1)), rng.normal(size=(500, 40))
            entries |= cache.write_cache(folder, fold, split, label, features)
            print(split, flush=True)
    cache.finish_cache(folder, cache.Manifest("key", entries))
    print("done", flush=True)
"""


def write_all(folder, key="key", features=FEATURES, label=LABEL):
    cache.start_cache(folder, key)
    entries = {}
    for split in ("train", "test"):
        entries |= cache.write_cache(folder, None, split, label, features)
    manifest = Manifest(key, entries)
    cache.finish_cache(folder, manifest)
    return manifest


def writer(folder, rounds=1):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(rounds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def start(process):
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("\n")
    process.stdin.flush()


def close(process):
    process.stdin.close()
    process.stdout.close()
    process.wait()


def check_written(folder):
    assert cache.is_complete(folder, "key")
    for fold in range(3):
        for split in ("folds_train_combined", "fold_validation", "test"):
            rng = np.random.default_rng([fold, len(split)])
            label, features = cache.read_cache(folder, fold, split)
            assert np.array_equal(label, rng.integers(0, 9, (500, 1)))
            assert np.array_equal(features, rng.normal(size=(500, 40)))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "samples" / "splitset_ab12"


class TestRoundTrip:
    def test_layout(self, folder):
        cache.start_cache(folder, "key")
        cache.write_cache(folder, None, "train", LABEL, FEATURES)
        cache.write_cache(folder, 0, "fold_validation", LABEL, FEATURES[0])
        assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.npy")) == [
            "0/fold_validation/feature_0.npy",
            "0/fold_validation/label.npy",
            "no_fold/train/feature_0.npy",
            "no_fold/train/feature_1.npy",
            "no_fold/train/label.npy",
        ]
        # plain npy files, as anybody reads them
        assert np.load(folder / "no_fold/train/label.npy").tolist() == LABEL.tolist()

    def test_values_dtypes_and_mapping(self, folder):
        write_all(folder)
        label, features = cache.read_cache(folder, "no_fold", "test")
        assert [array.dtype for array in features] == [np.float64, np.float32]
        for found, given in zip([label, *features], [LABEL, *FEATURES], strict=True):
            assert isinstance(found, np.memmap)
            assert np.array_equal(found, given)
            with pytest.raises(ValueError, match="read-only"):
                found[0] = 1

    @pytest.mark.parametrize("features", [FEATURES[0], [FEATURES[0]]])
    def test_one_feature_is_an_array(self, folder, features):
        write_all(folder, features=features, label=None)
        label, found = cache.read_cache(folder, None, "train")
        assert label is None
        assert found.tolist() == FEATURES[0].tolist()

    def test_more_than_ten_features_keep_their_order(self, folder):
        write_all(folder, features=[np.full((2, 1), index) for index in range(12)])
        _, found = cache.read_cache(folder, None, "train")
        assert [int(array[0, 0]) for array in found] == list(range(12))

    @pytest.mark.parametrize(
        "array",
        [
            np.zeros((0, 3)),
            np.asfortranarray(np.arange(6.0).reshape(2, 3)),
            np.arange(10)[::3],
            np.array([[np.nan, np.inf]]),
            np.array(["a", "bc"]),
            np.array(3.5),
        ],
    )
    def test_any_array(self, tmp_path, array):
        entry = cache.write_array(tmp_path / "deep" / "x.npy", array)
        found = cache.read_array(tmp_path / "deep" / "x.npy")
        np.testing.assert_array_equal(found, array)
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        assert entry.bytes == (tmp_path / "deep" / "x.npy").stat().st_size
        assert not found.flags.writeable
        assert [path.name for path in (tmp_path / "deep").iterdir()] == ["x.npy"]

    def test_objects_are_refused(self, tmp_path):
        with pytest.raises(InvalidInput, match=r"'x\.npy' holds Python objects"):
            cache.write_array(tmp_path / "x.npy", np.array([None], dtype=object))
        assert list(tmp_path.iterdir()) == []

    def test_a_mapped_reader_keeps_its_values(self, folder):
        write_all(folder)
        label, _ = cache.read_cache(folder, None, "train")
        write_all(folder, "other", label=LABEL * 0)
        assert label.tolist() == LABEL.tolist()

    @pytest.mark.parametrize(
        ("fold", "split"), [("..", "train"), (-1, "train"), (0, "../x"), (0, "a/b"), (0, "")]
    )
    def test_no_way_out(self, folder, fold, split):
        with pytest.raises(InvalidInput):
            cache.write_cache(folder, fold, split, LABEL, FEATURES)
        assert not folder.exists()


class TestComplete:
    def test_only_after_the_manifest(self, folder):
        cache.start_cache(folder, "key")
        entries = cache.write_cache(folder, None, "train", LABEL, FEATURES)
        assert not cache.is_complete(folder, "key")
        with pytest.raises(NotReady, match="no_fold/train"):
            cache.read_cache(folder, None, "train")
        manifest = Manifest("key", entries)
        cache.finish_cache(folder, manifest)
        assert cache.is_complete(folder, "key")
        assert cache.is_complete(folder, manifest)
        assert not cache.is_complete(folder, "another key")
        assert not cache.is_complete(folder, Manifest("key", {}))
        with pytest.raises(NotReady, match="no_fold/test"):
            cache.read_cache(folder, None, "test")

    def test_read_knows_the_key(self, folder):
        write_all(folder)
        label, _ = cache.read_cache(folder, None, "train", "key")
        assert label.tolist() == LABEL.tolist()
        with pytest.raises(NotReady, match="Cache the samples first"):
            cache.read_cache(folder, None, "train", "another key")

    def test_deleted_and_made_again(self, folder):
        write_all(folder)
        assert cache.clear_cache(folder, folder.parent)
        assert not cache.is_complete(folder, "key")
        write_all(folder)
        assert cache.is_complete(folder, "key")

    def test_moved(self, folder, tmp_path):
        write_all(folder)
        folder.rename(tmp_path / "elsewhere")
        assert cache.is_complete(tmp_path / "elsewhere", "key")

    @pytest.mark.parametrize(
        "damage",
        [
            lambda path: path.unlink(),
            lambda path: path.write_bytes(path.read_bytes()[:-1]),
            lambda path: path.write_bytes(path.read_bytes()[:20]),
            lambda path: path.write_bytes(b""),
            lambda path: path.write_bytes(path.read_bytes() + b"x"),
            lambda path: path.write_bytes(b"\0" * path.stat().st_size),
            lambda path: np.save(path, np.zeros((2, 6))),
            lambda path: np.save(path, np.zeros((6, 2), dtype=np.int64)),
        ],
    )
    def test_damage_is_detected(self, folder, damage):
        write_all(folder)
        damage(folder / "no_fold/train/feature_0.npy")
        assert not cache.is_complete(folder, "key")
        with pytest.raises(NotReady, match=r"feature_0\.npy.*[Cc]ache the samples again"):
            cache.read_cache(folder, None, "train")

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "3", '{"key":"key"}', '{"key":"key","arrays":[]}', "\0"]
    )
    def test_a_damaged_manifest_is_none(self, folder, text):
        write_all(folder)
        (folder / cache.MANIFEST).write_text(text)
        assert not cache.is_complete(folder, "key")

    def test_other_content_forgets_the_manifest_before_writing(self, folder):
        write_all(folder, "old")
        cache.start_cache(folder, "new")
        assert not cache.is_complete(folder, "old")
        write_all(folder, "same")
        cache.start_cache(folder, "same")
        assert cache.is_complete(folder, "same")


class TestProcesses:
    def test_killed_while_writing(self, folder):
        rng = np.random.default_rng(1)
        for line_count in [*rng.integers(0, 9, 4).tolist(), 8]:
            with writer(folder) as process:
                start(process)
                for _ in range(line_count):
                    process.stdout.readline()
                time.sleep(rng.random() * 0.002)
                process.send_signal(signal.SIGKILL)
                done = "done" in process.stdout.read()
            if not done and cache.is_complete(folder, "key"):
                # killed between the manifest and the message: then all must be there
                check_written(folder)
            elif not done:
                with pytest.raises(NotReady):
                    cache.read_cache(folder, 2, "test")
            cache.clear_cache(folder, folder.parent)
        with writer(folder) as process:
            start(process)
            process.stdout.read()
        check_written(folder)

    def test_killed_writer_is_followed_by_another(self, folder):
        with writer(folder) as process:
            start(process)
            process.stdout.readline()
            process.kill()
        assert not cache.is_complete(folder, "key")
        with writer(folder) as process:
            start(process)
            process.stdout.read()
        check_written(folder)

    def test_two_at_once(self, folder):
        both = [writer(folder, 5), writer(folder, 5)]
        for process in both:
            start(process)
        for process in both:
            assert process.stdout.read().count("done") == 5
            close(process)
            assert process.returncode == 0
        check_written(folder)
        assert list(folder.rglob("*.tmp")) == []


class TestClear:
    def test_removes_half_written_and_counts(self, folder):
        cache.start_cache(folder, "key")
        cache.write_cache(folder, None, "train", LABEL, FEATURES)
        assert cache.clear_cache(folder, folder.parent) is True
        assert list(folder.parent.iterdir()) == []
        assert cache.clear_cache(folder, folder.parent) is False

    def test_default_root_is_the_setting(self, tmp_path, monkeypatch):
        monkeypatch.setenv("AIQC_CACHE", str(tmp_path))
        folder = tmp_path / "samples" / "splitset_1"
        write_all(folder)
        assert cache.clear_cache(folder) is True
        assert not folder.exists()

    def test_refuses_the_root_outsiders_and_strangers(self, folder, tmp_path):
        root = folder.parent
        stranger, outside = root / "thesis", tmp_path / "outside"
        stranger.mkdir(parents=True)
        (stranger / "thesis.tex").write_text("years")
        write_all(outside)
        (root / "link").symlink_to(outside)
        cases = {
            stranger: "holds no cache",
            outside: "not inside",
            root: "not inside",
            root / ".." / "outside": "not inside",
            root / "x" / ".." / "..": "not inside",
            root / "link": "not inside",
            root / "link" / "no_fold": "not inside",
            Path("/"): "not inside",
        }
        for path, pattern in cases.items():
            with pytest.raises(InvalidInput, match=pattern):
                cache.clear_cache(path, root)
        assert (stranger / "thesis.tex").read_text() == "years"
        assert cache.is_complete(outside, "key")

    def test_links_inside_are_not_followed(self, folder, tmp_path):
        write_all(folder)
        (tmp_path / "precious").mkdir()
        (tmp_path / "precious" / "file").write_text("kept")
        (folder / "link").symlink_to(tmp_path / "precious")
        cache.clear_cache(folder, folder.parent)
        assert (tmp_path / "precious" / "file").read_text() == "kept"

    def test_all_but_strangers(self, folder):
        root = folder.parent
        write_all(folder)
        write_all(root / "splitset_2")
        (root / "thesis").mkdir()
        assert cache.clear_all_caches(root) == 2
        assert [path.name for path in root.iterdir()] == ["thesis"]
        assert cache.clear_all_caches(root / "nothing") == 0
