"""Files of Marian's tokenizer, made by sentencepiece 0.2 of seven sentences each, and what it divides texts into."""

import base64
import json
import zlib

SOURCE = (
    "eNpF0wl0E0Ucx/HtpuW1a0Wo/BFRK4oHWkmwonhEKjcoImDrRSsmZNOEtknMJi1g1RSp0iKHWCug1oJXURTBG68U8cCDtl6oiGKpiveBt4B8M2"
    "lq3vu8+c1k/vN2Z2eM3kaGMxooGykavwG6kW3YnFZ3z2YcaqQ7Hf93DcPW2Vgje/P6x40sQ/eZ4h2fGzcyjTS7VLsK4sYhRjoTCqV4RYEatmTP"
    "qEkqeeSAbYpKLmnfnkzlMrquKFUUkZ0tM9SwX9YPKVEpIlPNZApKRppbpbliL/GoNEuqN1SpFE0mHsm0ZHPDPDUYljm9Y6nVXbK2db6aYZkyee"
    "uC5GSX5Ppq47xzBlPcQSnqqFWlZeLetzBVGpLieF2crehFJ2BWiT/RTdb4gtK6sl4tFjYla1V9qqhUtE2LUh23THcuUZNcloyZTWQjg8EysU9c"
    "qob9AdnRtTy5jCUjQo3qKUplS1eTSgHZ1dSsUkjytq1RyS37u1OhtLUlk0+a25OpSqZ1JFO+VHSn4T2poidV9iRTwt3Jq1JO1oC0QcOKNC1WMH"
    "BjppEdtczwTI/p9QdMT87iTC2dIxGzabGxutaZrWu7++laQ4am6YzG0nUtdn7izGixdZm6VsN4L/JqWspih/HHTy261pe2Dw5HDhLHrB+OQH8c"
    "iRfade0o2oE4BkfjWOTiOAzCYByPE3ECTsZJOAVDkIdTMRSnwQE7TscwnIF8nInhGIGzcA7Oxnk4F4lXcqIAIzEKF2AMRmMcxmICxmMSJuIiXI"
    "iLMRmXYAqmYSouxXSw2VohLsdluBJXYAauQgmKMRNXw4VrMAtumPCgFF744UMZZqMC5QgigGsRgoUwooigCpWYizm4DvNwPapxI25ATeID4ybM"
    "Ry0W4BbcjDosxCLUYzFuxVIswW1YhtuxHHegAXeiESuxAndhFe7B3bgXTViNZtyHNXgA9+MhPIi1aMEjeBiPYh3W4zFswON4AhvxFJ7EM3gaz+"
    "FZPI9NeDFxHvEyXkIr4ngFm/EqtuB1vIateANv4U28g7fRhm3oQDvew7v4AO9jOz7Ex/gIO/AJduJTfI7P8AV2YTc68SW68DW+wjfYg+/wLX7A"
    "94m7hx/xC37GXvyK3/Eb/sQf+Bt/4V/8g/3Yh/9wQN29odwBr1/Lz3FEKkIOKxRxhKPlpmWPWJUHAc26PQQ="
)
TARGET = (
    "eNpF0wlcFFUcwPFxAIPXmon+y+jC7gsWiYpqE8MNaLGyyzIpW9lZ2BZW2gO1spasVNTKMuxQk+igkg4qtdPtvlPL7hsPzO7S7rLfvJFlP5/vZ3"
    "7vzbzZ643aTWV5EpHwKDF4DTeVS2V4YjtHGWqQyvS4+4dKZfS0tUiRa2hK5SjTikpZV0lKZasBlmxZ7NEVl2iXU4Uyb1tZSu2qMlnkla0VPr3K"
    "H5MVpdX6ipgEiybqapC2Nr+ugIwZHehbFZARgxv0dEjyJ8R1TZGVvU75pTSe6Lu0SuZ4p+k3qK2XuXY68+WywB7w0a1QRNYsmq6XJsS3ZIa+Oh"
    "GRpatm6smo7LJ6lq6IdIZn6wrKxpzWvnuFnYFLZTFo9Mum/lOVsrl/4JNeezBIDWQQsRJSM6RV361e1jcv01UnI812XcWyPa9DV0m6qtM1Nl3j"
    "0jU+XVPT1Sit/m5dYamZ7JRPCmqdqpQdO6tW1gWcqpIOy6lyiQed8kpFXXcqN2f4gPyicw0jWZbXna1ciZgVnRSwgqGIFcidn21kshuSGUbSax"
    "o9LtPYMMw0FmYZhslsMtM0kifZ28VILs82jRbmB9LtHFmWHMyJHztNYwjH3TEUubB32DDsiT2wF55Zaxp7c8zDvtgH+2M/jEA+DsQBOBgH4VAc"
    "gsNxGI7EESjAUXCjECNRhKNRjGNQguNwLI5HKU7ECbC/kgdlGIWTMRpjUI5T4EUlKnAqqlANH07DWJyB03EmxuFsnAV+bOMcnIfxmIDzMREX4E"
    "LUYBIugh8XoxaTYSGAOgQRQj3CuASNaMAURHApmhBDFAnEMRXNmI5puByXYQauwFW4Ei32H4yZuBrX4hrMwnWYg9mYi1bMxzzcgOuxADfiZtyE"
    "W7AQi9CG23Ar7sDtWILFuBNL0Y5l6MBduAd34z7ci/vRiQfxALqwHA/jITyKR/AYuvEEHsdKrMCTWIWn8RSetfcjVuM5PI8UXsQLeBkv4VW8gt"
    "fxGt7EG3gbb2EN3sE6rMV7eBfvYz0+xAf4GB/hU3yCz/EZvsQX+BpfYQN6sAkb0YvN+AZb8C224nt8Zz97+AE/4yf8il+wHdvwO37Dn/gDf+Mv"
    "/It/sAP/6WevgGcgGDKKc93xxiZ3rCnujiYarFhhPNb8P9x3M6Y="
)
MERGES = (
    "eNpF0KFOw2AUBeCxdaRcCiELJA1B7AEIEIJsyB4BwQMwWGHNoCy0g8wVh0QR5OQkEkc7hUQiFxQSieScsy5Ufaf/vTf//W3V6sEg7h1uVPD5Vf"
    "OsFiRlqtmKOcHuf1yyajdkyGzZnK+n+2OE7A1liwyzs7w8SxFa83DKwrwsTFU4yjkvTMBcTPh3Ou9oc1ZRhi7CWoHL1TnrGqlZsKXN7j0xZENr"
    "xjvwqDCzGsrhk8JcW+D4vsRxmcT+B4ntjxLHP0tcYSTtQGOJK79IHehViriDFEPv0g30IV1CnxJfYSr1oG9pCP1IZ9CvdMHdJ9QAciTu5Ep9yJ"
    "P2+SzSAbQunUO+dAVtSbd8sEnD8avN7U3P3KgTxmmUDhuVPx8kZ5k="
)
_TOKENS = (
    "</s> <unk> re ▁g 4 ea L se y K B d ▁k s ▁new t . ▁T n b i H ▁p k er o ook ▁D G e T l r v ▁J ▁G ein "
    "▁d p ch 2 un ▁bo ▁ma h u D P f ▁ V w ▁b ▁neu he J a c ▁B ▁ho m in as ▁H rs es g ▁t ▁a >>deu<< <pad> "
)
VOCABULARY = _TOKENS.split()
DIVIDED_SOURCE = {
    "The dog sees the house.": "▁T he ▁ d o g ▁ se es ▁t he ▁ho u se .",
    "Today the cook finds a new book.": "▁T o d a y ▁t he ▁ c ook ▁ f in d s ▁a ▁new ▁b ook .",
    "The guest  paints a  house. ": "▁T he ▁g u es t ▁p a in t s ▁a ▁ho u se .",
    "ﬁne books — Ａnd　boats": "▁ f in e ▁b ook s ▁ - ▁ A n d ▁bo a t s",
    "The Ω is new": "▁T he ▁ Ω ▁ i s ▁new",
}
DIVIDED_TARGET = {
    "Der Hund sieht das Haus.": "▁D er ▁H un d ▁ s i e h t ▁d as ▁H a u s .",
    "Heute findet der Koch ein neues Buch.": "▁H e u t e ▁ f i n d e t ▁d er ▁ K o ch ▁ ein ▁neu e s ▁B u ch .",
    "Der Gast malt ein rotes Haus. ": "▁D er ▁G as t ▁ma l t ▁ ein ▁ r o t e s ▁H a u s .",
    "Das Pferd ist klein": "▁D as ▁ P f er d ▁ i s t ▁k l ein",
}


def write(folder):
    """The files, in a folder."""
    for name, data in (("source.spm", SOURCE), ("target.spm", TARGET)):
        (folder / name).write_bytes(whole(data))
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(VOCABULARY)}))


def whole(data):
    """The bytes of a file."""
    return zlib.decompress(base64.b64decode(data))
