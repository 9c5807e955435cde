from __future__ import annotations

import math

import numpy as np
import pytest

from aiqc.core import seeds
from aiqc.core.errors import InvalidInput
from aiqc.pipeline.importance import permutation_importance

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(200, 4))
LABEL = 3 * TABLE[:, 0] + TABLE[:, 2]


# no matrix product: its rounding depends on the processor and on where a buffer lies
def loss_of(features):
    return float(np.mean((3 * features[:, 0] + features[:, 2] - LABEL) ** 2))


# one position, a run, and scattered ones
GROUPS = {"a": [0], "b": [1], "c": [2, 3]}
SCATTERED = {"d": [0, 2], "e": [3, 1], "f": [2, 1, 0]}
WIDE = {"run": [1, 2, 3, 4, 5], "scattered": [0, 2, 3, 5, 7], "backwards": [6, 4, 3, 2, 0]}


def order_of(index, repeat, count=200, seed=5):
    return seeds.generator(seed, "permute", index, repeat).permutation(count)


def test_equals_a_plain_loop():
    (found,) = permutation_importance(TABLE, [GROUPS], loss_of, 4, 5)
    assert list(found) == ["a", "b", "c"]
    (scattered,) = permutation_importance(TABLE, [SCATTERED], loss_of, 4, 5)
    for column, positions in (GROUPS | SCATTERED).items():
        losses = []
        for repeat in range(4):
            changed = TABLE.copy()
            changed[:, positions] = TABLE[order_of(0, repeat)][:, positions]
            losses.append(loss_of(changed))
        median, impacts = (found | scattered)[column]
        assert impacts == [loss - loss_of(TABLE) for loss in losses]
        assert median == np.median(losses) - loss_of(TABLE)
    assert found["a"][0] > found["c"][0] > found["b"][0] == 0


@pytest.mark.parametrize("shape", [(50, 8), (50, 3, 8)])
def test_wide_groups_equal_a_plain_loop(shape):
    table = np.random.default_rng(1).normal(size=shape)
    seen = []

    def watch(features):
        seen.append(features.copy())
        return 0.0

    permutation_importance(table, [WIDE], watch, 2, 5)
    wanted = [(positions, repeat) for positions in WIDE.values() for repeat in range(2)]
    for features, (positions, repeat) in zip(seen[1:], wanted, strict=True):
        changed = table.copy()
        changed[..., positions] = table[order_of(0, repeat, 50)][..., positions]
        assert np.array_equal(features, changed)


def test_positions_of_a_column_move_together():
    # one-hot of three classes: rows stay one-hot when permuted as one
    encoded = np.eye(3)[RNG.integers(0, 3, 90)]
    seen = []

    def watch(features):
        seen.append(features.copy())
        return 0.0

    permutation_importance(encoded, [{"colour": [0, 1, 2]}], watch, 3, 1)
    assert len(seen) == 4
    for features in seen[1:]:
        assert (features.sum(axis=1) == 1).all()
        assert features.sum(axis=0).tolist() == encoded.sum(axis=0).tolist()
        assert not np.array_equal(features, encoded)


def test_results_do_not_depend_on_the_other_columns():
    (all_three,) = permutation_importance(TABLE, [GROUPS], loss_of, 3, 5)
    backwards = dict(reversed(GROUPS.items()))
    (reverse,) = permutation_importance(TABLE, [backwards], loss_of, 3, 5)
    (alone,) = permutation_importance(TABLE, [{"c": [2, 3]}], loss_of, 3, 5)
    assert reverse == all_three
    assert alone["c"] == all_three["c"]
    (other,) = permutation_importance(TABLE, [GROUPS], loss_of, 3, 6)
    assert other["a"] != all_three["a"]


def test_sequences_keep_their_order_in_time():
    # sample s, time t, column c holds 100 s + 10 t + c
    grid = np.add.outer(np.add.outer(np.arange(12) * 100, np.arange(5) * 10), np.arange(3))
    seen = []

    def watch(features):
        seen.append(features.copy())
        return 0.0

    permutation_importance(grid, [{"x": [1]}], watch, 2, 3)
    for repeat, features in enumerate(seen[1:]):
        assert features[..., [0, 2]].tolist() == grid[..., [0, 2]].tolist()
        moved = features[..., 1]
        assert moved.tolist() == grid[order_of(0, repeat, 12, 3)][..., 1].tolist()
        assert (np.diff(moved, axis=1) == 10).all()


def test_several_features_and_a_skipped_image():
    image = RNG.normal(size=(200, 1, 3, 3))
    other = RNG.normal(size=(200, 2))
    seen = []

    def joint(features):
        seen.append([array.copy() for array in features])
        return loss_of(features[0]) + float(np.mean(features[2][:, 0] * LABEL))

    first, second, third = permutation_importance(
        [TABLE, image, other], [GROUPS, None, {"a": [0], "z": [1]}], joint, 2, 5
    )
    assert second is None
    assert (list(first), list(third)) == (["a", "b", "c"], ["a", "z"])
    assert third["z"] == (0.0, [0.0, 0.0])
    # one Feature at a time: while the third is permuted, the first is as given
    assert all(array[0].tolist() == TABLE.tolist() for array in seen[7:])
    assert all(array[2].tolist() == other.tolist() for array in seen[:7])
    # another Feature is another draw
    assert seen[7][2][:, 0].tolist() == other[order_of(2, 0), 0].tolist()


def test_inputs_are_unchanged_read_only_and_mapped(tmp_path):
    np.save(tmp_path / "table.npy", TABLE)
    mapped = np.load(tmp_path / "table.npy", mmap_mode="r")
    (found,) = permutation_importance(mapped, [GROUPS], loss_of, 2, 5)
    assert found == permutation_importance(TABLE, [GROUPS], loss_of, 2, 5)[0]
    assert np.load(tmp_path / "table.npy").tolist() == TABLE.tolist()


def test_inputs_are_unchanged_when_the_loss_raises():
    before = TABLE.copy()
    calls = []

    def fails(features):
        calls.append(features)
        if len(calls) == 3:
            raise RuntimeError
        return 1.0

    with pytest.raises(RuntimeError):
        permutation_importance(TABLE, [GROUPS], fails, 2, 5)
    assert before.tolist() == TABLE.tolist()
    # the buffer too is what it was
    assert calls[-1].tolist() == before.tolist()


def test_buffer_is_restored_between_columns_and_copied_once():
    seen, buffers = [], set()

    def watch(features):
        seen.append(features.copy())
        buffers.add(id(features))
        return 0.0

    permutation_importance(TABLE, [GROUPS], watch, 1, 5)
    _, a, b, c = seen
    assert a[:, 1:].tolist() == TABLE[:, 1:].tolist()
    assert b[:, [0, 2, 3]].tolist() == TABLE[:, [0, 2, 3]].tolist()
    assert c[:, :2].tolist() == TABLE[:, :2].tolist()
    assert len(buffers) == 2  # the input, and one buffer


def test_nan_and_infinite_losses():
    (found,) = permutation_importance(TABLE, [GROUPS], lambda _: math.nan, 2, 5)
    assert all(math.isnan(median) and len(impacts) == 2 for median, impacts in found.values())
    assert all(math.isnan(value) for _, impacts in found.values() for value in impacts)
    losses = iter([1.0, math.nan, 2.0, math.inf, math.inf])
    (found,) = permutation_importance(TABLE, [{"a": [0], "b": [1]}], lambda _: next(losses), 2, 5)
    assert math.isnan(found["a"][0])
    assert found["a"][1][1] == 1.0
    assert found["b"] == (math.inf, [math.inf, math.inf])


def test_nothing_to_permute_costs_nothing():
    def never(features):
        raise AssertionError

    assert permutation_importance([TABLE, TABLE], [None, None], never, 2, 5) == (None, None)


@pytest.mark.parametrize(
    ("groups", "count", "pattern"),
    [
        ([GROUPS], 0, "permute_count=0"),
        ([], 1, "columns of 0 Features, but 1"),
        ([{"far": [4]}], 1, r"'far' of Feature 0 has positions \[4\] of 4"),
        ([{"none": []}], 1, "'none' of Feature 0 has positions"),
        ([{"back": [-1]}], 1, "'back' of Feature 0"),
    ],
)
def test_refused(groups, count, pattern):
    with pytest.raises(InvalidInput, match=pattern):
        permutation_importance(TABLE, groups, loss_of, count, 5)


@pytest.mark.parametrize("layout", ["C", "F"])
def test_the_layout_of_the_buffer_changes_no_result(layout: str) -> None:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(40, 3))
    label = 3 * features[:, 0] + features[:, 1]
    seen: set[bool] = set()

    def loss_of(given: np.ndarray) -> float:
        seen.add(given.flags["F_CONTIGUOUS"])
        return float(np.abs(3 * given[:, 0] + given[:, 1] - label).mean())

    groups = [{"a": [0], "b": [1], "c": [2]}]
    (found,) = permutation_importance(features, groups, loss_of, 3, 7, layout=layout)
    (usual,) = permutation_importance(features, groups, loss_of, 3, 7)
    assert (layout == "F") in seen
    for column, (median, impacts) in found.items():
        np.testing.assert_allclose(median, usual[column][0], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(impacts, usual[column][1], rtol=1e-12, atol=1e-12)
    assert found["a"][0] > found["b"][0] > found["c"][0] == 0


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("shape", [(15,), (1, 5, 3), (5, 3), (3, 5)])
def test_reshaped_columns_are_found_again(shape, layout):
    # sample s, time t, column c holds 100 s + 10 t + c
    grid = np.add.outer(np.add.outer(np.arange(12) * 100, np.arange(5) * 10), np.arange(3))
    seen = []

    def watch(features):
        assert features.shape == (12, *shape)
        seen.append(features.copy().reshape(grid.shape))
        return 0.0

    permutation_importance(
        grid.reshape(12, *shape), [{"x": [1]}], watch, 2, 3, shapes=[(5, 3)], layout=layout
    )
    for repeat, features in enumerate(seen[1:]):
        changed = grid.copy()
        changed[..., 1] = grid[order_of(0, repeat, 12, 3)][..., 1]
        assert features.tolist() == changed.tolist()


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInput, match=r"Feature 0 .*\(4,\), not \(3, 2\)"):
        permutation_importance(TABLE, [GROUPS], loss_of, 1, 0, shapes=[(3, 2)])
