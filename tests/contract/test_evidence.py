from sounding.contract.evidence import Estimate


def test_an_end_that_rounds_to_nought_has_no_sign():
    assert str(Estimate(-0.0001, -0.0004, 0.002)) == "0.000 [0.000, 0.002]"
    assert str(Estimate(-0.001, -0.5, 0.0)) == "-0.001 [-0.500, 0.000]"
