from sounding.card.printing import tables
from sounding.contract.evidence import Estimate, Section


def test_an_end_that_rounds_to_nought_has_no_sign():
    assert str(Estimate(-0.0001, -0.0004, 0.002)) == "0.000 [0.000, 0.002]"
    assert str(Estimate(-0.001, -0.5, 0.0)) == "-0.001 [-0.500, 0.000]"


def test_an_estimate_in_a_table_is_printed_as_one_cell():
    rows = [
        {"sets": "near", "right": Estimate(0.5, 0.25, 0.75, n=9).cell},
        {"sets": "far", "right": Estimate(1.0).cell},
    ]
    (table,) = tables(Section("quality", "Quality", details={"by_set": rows}))
    assert table.rows == (("near", "0.500 [0.250, 0.750]"), ("far", "1.000"))
