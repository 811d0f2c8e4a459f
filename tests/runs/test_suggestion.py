"""A table that one application cannot read names the one that can."""

import pytest

import sounding as sd
from sounding.errors import DataError


def test_a_table_of_texts_given_to_classify_names_sentiment(tmp_path):
    table = tmp_path / "reviews.csv"
    table.write_text("text,label\n" + "".join(f"a film like no {i},{'good' if i % 2 else 'bad'}\n" for i in range(40)))
    with pytest.raises(DataError, match="no column fits as the input") as error:
        sd.train("classify", table)
    assert f"sounding train sentiment {table}" in str(error.value)


def test_where_nothing_else_fits_nothing_is_named(tmp_path):
    table = tmp_path / "numbers.csv"
    table.write_text("a,b\n" + "".join(f"{i},{i * i}\n" for i in range(40)))
    with pytest.raises(DataError) as error:
        sd.train("classify", table)
    assert "sounding train" not in str(error.value)
