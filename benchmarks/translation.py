"""How well translate learns multi30k in a given time, from random weights.

    SOUNDING_DATA=DIR python benchmarks/translation.py [--time 30m] [--seeds 0 1] [--to de] [--beams 5]
        [--penalties 0.6 1.0 1.4 1.8] [--out runs-multi30k] [--set key=value …]

DIR/multi30k holds train, validation and test.parquet with the columns en, de, fr, cs (docs/benchmarks.md says where
they come from; test is that of 2016). The length penalty is the one with the best BLEU on the validation split; the
test split is translated once with it, and once greedily. Prints one row of a markdown table for each seed: what the
machine is, how long it trained, target tokens a second, and of the test split chrF and BLEU as sacreBLEU computes them
from the text as it is, and BLEU of lower-cased text in Moses' tokens, which published figures of these data are said to
be. That needs sacremoses (pip install sacremoses). A run that is there already is only read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import common
import numpy as np

import sounding as sd
from sounding.applications.language.shared.fidelity import unended
from sounding.applications.language.translate import bleu, fidelity
from sounding.applications.language.translate.chrf import chrf
from sounding.contract.records import Example, Record
from sounding.data.columns import Columns
from sounding.evaluation.evaluation import estimate, evaluate
from sounding.training.progress import reporter

HEADS = ("processor", "precision", "seed", "pair", "training", "steps", "rows/s", "weights", "beams, penalty")
SCORES = ("validation BLEU", "chrF", "BLEU raw", "BLEU lower-cased, Moses", "greedy", "ratio, copies, endless")


def main() -> None:
    parser = common.options(__doc__, "runs-multi30k")
    parser.add_argument("--time", default="30m")
    parser.add_argument("--to", default="de", choices=("de", "fr", "cs"))
    parser.add_argument("--beams", type=int, default=5)
    parser.add_argument("--penalties", type=float, nargs="+", default=[0.6, 1.0, 1.4, 1.8])
    options = common.parsed(parser, *(f"multi30k/{name}.parquet" for name in ("train", "validation", "test")))
    given = {"time": options.time, "columns": Columns("en", options.to), **options.settings}
    print(common.heads(*HEADS, *SCORES))
    for seed in options.seeds:
        out = common.place(options, options.to, options.time, seed)
        data = options.data / "multi30k"
        model = common.trained("translate", data, out, seed=seed, reporter=reporter(f"seed {seed}"), **given)
        print(row(model, options, seed), flush=True)


def row(model: sd.Model, options: Any, seed: int) -> str:
    spent, moses, rows = common.spent(model), Moses(options.to), model.dataset()

    def records(some: Sequence[Example], **how: Any) -> Sequence[Record]:
        return evaluate(model.task.with_options(how), model.module, some, model.setting)

    tried = {
        penalty: moses.bleu(records(rows.validation, beams=options.beams, length_penalty=penalty))
        for penalty in options.penalties
    }
    penalty = max(tried, key=lambda one: tried[one])
    found = records(rows.test, beams=options.beams, length_penalty=penalty)
    greedy = records(rows.test, beams=1)
    texts = [{"source": r.value.source, "answer": str(r.value), "truth": r.truth} for r in found]
    (model.dir / "translations.jsonl").write_text("".join(json.dumps(t, ensure_ascii=False) + "\n" for t in texts))
    copies = sum(fidelity.copied(r.value, r.value.source, r.truth) for r in found)
    return common.row(
        *common.machine(model),
        seed,
        f"en→{options.to}",
        f"{spent['seconds'] / 60:.1f} min",
        f"{spent['steps']:,}",
        f"{spent['examples'] / spent['seconds']:,.0f}",
        f"{sum(p.numel() for p in model.module.parameters()):,}",
        f"{options.beams}, {penalty:g}",
        ", ".join(f"{one:g}: {value:.1f}" for one, value in tried.items()),
        estimate(chrf(), found),
        estimate(bleu.bleu(), found),
        f"{moses.bleu(found):.2f}",
        f"{moses.bleu(greedy):.2f}",
        f"{fidelity.length_ratio(found):.3f}, {copies}, {sum(unended(r.value) for r in found)}",
    )


class Moses:
    """BLEU of lower-cased text in the tokens of the Moses decoder, as sacremoses makes them."""

    def __init__(self, language: str) -> None:
        try:
            from sacremoses import MosesTokenizer
        except ImportError:
            raise SystemExit("Install what makes Moses' tokens: pip install sacremoses") from None
        self._tokenizer = MosesTokenizer(language)

    def bleu(self, records: Sequence[Record]) -> float:
        counted = [bleu.statistics(self._tokens(r.value), self._tokens(r.truth), str.split) for r in records]
        return bleu.score(np.stack(counted))

    def _tokens(self, text: str) -> str:
        return self._tokenizer.tokenize(text.lower(), return_str=True, escape=False)


if __name__ == "__main__":
    main()
