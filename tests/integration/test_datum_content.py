"""What the data sets that ship hold: equal to their sources, or to published facts of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from aiqc import datum


def counts(name: str, column: str) -> dict[object, int]:
    return {key: int(count) for key, count in datum.to_df(name)[column].value_counts().items()}


def dtypes(name: str) -> dict[str, str]:
    return {str(key): str(value) for key, value in datum.to_df(name).dtypes.items()}


def test_breast_cancer_is_scikit_learns() -> None:
    from sklearn.datasets import load_breast_cancer

    source = load_breast_cancer()
    frame = datum.to_df("breast_cancer")
    np.testing.assert_array_equal(frame.drop(columns="diagnosis").to_numpy(), source.data)
    assert (frame["diagnosis"] == source.target_names[source.target]).all()


def test_diabetes_is_scikit_learns_in_its_own_units() -> None:
    from sklearn.datasets import load_diabetes

    source = load_diabetes(scaled=False)
    frame = datum.to_df("diabetes")
    np.testing.assert_array_equal(frame.drop(columns="progression").to_numpy(), source.data)
    np.testing.assert_array_equal(frame["progression"].to_numpy(), source.target)


def test_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    source = load_digits()
    np.testing.assert_array_equal(datum.to_arr("digits")[:, 0], source.images)
    assert dtypes("digits_labels") == {"digit": "int64"}
    np.testing.assert_array_equal(datum.to_df("digits_labels")["digit"], source.target)


def test_penguins_keep_their_gaps() -> None:
    frame = datum.to_df("penguins")
    gaps = {name: int(count) for name, count in frame.isna().sum().items() if count}
    measured = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    assert gaps == {**dict.fromkeys(measured, 2), "sex": 11}
    # published counts: Horst, Hill and Gorman (2020)
    assert counts("penguins", "species") == {"Adelie": 152, "Gentoo": 124, "Chinstrap": 68}


def test_auto_mpg_has_the_published_facts() -> None:
    frame = datum.to_df("auto_mpg")
    whole = ["cylinders", "horsepower", "weight", "model_year"]
    real = ["displacement", "acceleration", "mpg"]
    kinds = dict.fromkeys(whole, "int64") | dict.fromkeys(real, "float64")
    assert dtypes("auto_mpg") == kinds | dict.fromkeys(["name", "origin"], "str")
    assert counts("auto_mpg", "origin") == {"America": 245, "Asia": 79, "Europe": 68}
    # mean of the 392 complete cars: James, Witten, Hastie and Tibshirani, table Auto
    assert frame["mpg"].mean() == pytest.approx(23.446, abs=5e-4)
    assert (frame["model_year"].min(), frame["model_year"].max()) == (70, 82)
    assert not frame.isna().any().any()


def test_seattle_weather_has_every_day() -> None:
    frame = datum.to_df("seattle_weather")
    numbers = dict.fromkeys(["precipitation", "temp_max", "temp_min", "wind"], "float64")
    assert dtypes("seattle_weather") == {"date": "datetime64[ns]", **numbers, "weather": "str"}
    days = pd.date_range("2012-01-01", "2015-12-31", unit="ns")
    assert frame["date"].tolist() == days.tolist()
    kinds = {"sun": 714, "fog": 411, "rain": 259, "drizzle": 54, "snow": 23}
    assert counts("seattle_weather", "weather") == kinds
    assert frame["precipitation"].sum() == pytest.approx(4426.0)
    assert (frame["temp_max"] >= frame["temp_min"]).all()


def test_rain_is_cut_from_the_weather_without_seeing_tomorrow() -> None:
    weather = datum.to_df("seattle_weather").set_index("date")
    table, sequence = datum.to_df("rain_table"), datum.to_arr("rain_sequence")
    numbers = dict.fromkeys(["season_sin", "season_cos"], "float64")
    texts = dict.fromkeys(["weather", "tomorrow"], "str")
    assert dtypes("rain_table") == {"date": "datetime64[ns]", "month": "int64", **numbers, **texts}
    measured = weather[["precipitation", "temp_max", "temp_min", "wind"]]
    for row, fact in table.iterrows():
        today = fact["date"]
        past = measured.loc[today - pd.Timedelta(days=13) : today]
        np.testing.assert_array_equal(sequence[row], past.to_numpy("float32"))
        wet = weather.loc[today + pd.Timedelta(days=1), "precipitation"] > 0
        assert fact["tomorrow"] == ("wet" if wet else "dry")
        assert fact["weather"] == weather.loc[today, "weather"]
        assert fact["month"] == today.month
    assert counts("rain_table", "tomorrow") == {"dry": 832, "wet": 615}


def test_the_season_of_rain_is_a_circle_of_a_year() -> None:
    table = datum.to_df("rain_table").set_index("date")
    radius = np.hypot(table["season_sin"], table["season_cos"])
    np.testing.assert_allclose(radius, 1, rtol=1e-12)
    first = table.loc["2013-01-01", ["season_sin", "season_cos"]].astype("float64")
    np.testing.assert_allclose(first, [0.0172, 0.99985], atol=5e-5)
    assert table["season_cos"].idxmin().month in {6, 7}


def test_vowels_have_the_published_counts() -> None:
    frame = datum.to_df("vowels_labels")
    assert dtypes("vowels_labels") == {"speaker": "str", "part": "str"}
    speakers = [f"speaker_{number}" for number in range(1, 10)]
    sizes = frame.groupby("part")["speaker"].value_counts()
    assert [int(sizes["train", who]) for who in speakers] == [30] * 9
    # sizes of the test part, in the description of the data at UCI
    assert [int(sizes["test", who]) for who in speakers] == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert frame["part"].tolist() == ["train"] * 270 + ["test"] * 370


def test_a_vowel_of_twenty_rows_is_left_as_it_was() -> None:
    # the first and last row of the first recording, as its source has them
    first = [1.860936, -0.207383, 0.261557, -0.214562, -0.171253, -0.118167]
    first += [-0.277557, 0.025668, 0.126701, -0.306756, -0.213076, 0.088728]
    last = [1.261441, -0.63835, 0.217443, 0.263384, 0.391115, -0.176897]
    last += [-0.510697, 0.020526, -0.217709, -0.219071, -0.033314, -0.175986]
    np.testing.assert_allclose(datum.to_arr("vowels")[0, [0, -1]], [first, last], atol=1e-6)


def test_the_sea_surface_is_the_atlantic_month_by_month() -> None:
    sea = datum.to_arr("sea_surface")[:, 0]
    assert sea.min() == pytest.approx(22.066, abs=1e-3)
    assert sea.max() == pytest.approx(30.430, abs=1e-3)
    month = (np.arange(len(sea)) + 3) % 12 + 1
    means = {at: sea[month == at].mean() for at in range(1, 13)}
    # the cold tongue south of the equator: coldest in August, warmest in April
    assert min(means, key=means.__getitem__) == 8
    assert max(means, key=means.__getitem__) == 4
    august = sea[month == 8].mean(axis=0)
    assert august[0].mean() < august[-1].mean() - 1
    # cold water wells up in the east, by Africa
    assert august[8, -1] < august[8, 0]
