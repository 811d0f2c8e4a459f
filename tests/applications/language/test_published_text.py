"""Beginning with a Transformer as Hugging Face publishes it: the same answers before anything is learnt, and tuning."""

import pytest
import torch

import sounding as sd
from sounding.modalities.text.tokenizer import Tokenizer

transformers = pytest.importorskip("transformers", reason="transformers makes the checkpoints of these tests")

TEXTS = [f"{number} wet hens: cluck, and again cluck; {number * 7} old cows: moo." for number in range(40)]


def published(folder, kind):
    """A random model of transformers with a tokenizer, in a folder."""
    tokenizer = Tokenizer.train("bpe" if kind == "gpt2" else "wordpiece", TEXTS, 120)
    torch.manual_seed(0)
    if kind == "gpt2":
        sizes = {"n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2, "bos_token_id": 3, "eos_token_id": 4}
        net = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=len(tokenizer), **sizes))
    else:
        sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        sizes |= {"vocab_size": len(tokenizer), "max_position_embeddings": 64}
        net = transformers.BertForMaskedLM(transformers.BertConfig(**sizes))
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.2)
    net.save_pretrained(folder)
    tokenizer.save(folder / "tokenizer.json")
    return net.eval(), tokenizer


def trained(task, start, out, **settings):
    settings = {"size": "tiny", "steps": 1, "card": None, "context": 16, "average": 0, **settings}
    return sd.train(task, TEXTS, out=out, start=str(start), **settings)


def test_a_decoder_writes_what_transformers_writes_with_the_same_weights(tmp_path):
    net, tokenizer = published(tmp_path / "gpt2", "gpt2")
    run = trained("generate", tmp_path / "gpt2", tmp_path / "run", lr=0)
    assert run.run.config["transfer"]["share"] == 1
    prompt = "7 wet hens:"
    ids = torch.from_numpy(tokenizer.ids(prompt))[None]
    expected = net.generate(ids, max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0)[
        0, ids.shape[1] :
    ]
    (answer,) = run([prompt], temperature=0, length=12)
    assert answer.label == Tokenizer.read(tmp_path / "gpt2").decode(expected.tolist())


def test_an_encoder_fills_what_transformers_fills(tmp_path):
    net, tokenizer = published(tmp_path / "bert", "bert")
    run = trained("fill", tmp_path / "bert", tmp_path / "run", lr=0)
    ids = torch.from_numpy(tokenizer.ids("7 [MASK] hens"))[None]
    scores = net(ids).logits[0, 1].detach().softmax(0)
    scores[:6] = 0  # a special token is no answer
    (prediction,) = run.task.predict(run.module, ["7 [MASK] hens"])
    assert prediction.value.ids.tolist() == [int(scores.argmax())]
    assert prediction.confidence == pytest.approx(float(scores.max()), abs=1e-4)


def test_tuned_by_low_rank_matrices_the_scores_learn_and_the_plain_net_comes_back(tmp_path):
    published(tmp_path / "gpt2", "gpt2")
    run = trained("generate", tmp_path / "gpt2", tmp_path / "run", lr=1e-2, tune="lora", rank=2, steps=30)
    again = sd.load(tmp_path / "run")
    before = trained("generate", tmp_path / "gpt2", tmp_path / "other", lr=0)
    gain = before.evaluate()["bits per byte"].value - run.evaluate()["bits per byte"].value
    assert gain > 0.2  # the scores are tied to embeddings at rest: only the small matrices learn
    assert again("7 wet hens:", temperature=0)[0].label == run("7 wet hens:", temperature=0)[0].label
    name = "transformer.embeddings.tokens.weight"
    assert torch.equal(dict(run.module.named_parameters())[name], dict(before.module.named_parameters())[name])


@pytest.mark.parametrize(("task", "kind", "tuning"), [("generate", "gpt2", "full"), ("fill", "bert", "lora")])
def test_what_was_trained_loads_back_in_transformers_with_equal_logits(tmp_path, task, kind, tuning):
    published(tmp_path / kind, kind)
    run = trained(task, tmp_path / kind, tmp_path / "run", lr=1e-2, steps=5, tune=tuning)
    folder = run.dir / "best" / "transformers"
    auto = transformers.AutoModelForCausalLM if kind == "gpt2" else transformers.AutoModelForMaskedLM
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    ids = torch.tensor([theirs("7 wet hens")["input_ids"]])
    assert ids[0].tolist() == run.task.input.tokenizer.ids("7 wet hens").tolist()
    with torch.no_grad():
        logits = sd.load(run.dir).module(ids)
        torch.testing.assert_close(auto.from_pretrained(folder).eval()(ids).logits, logits, atol=1e-4, rtol=1e-4)
        before = auto.from_pretrained(tmp_path / kind).eval()(ids).logits
    assert (before - logits).abs().max() > 0.01  # it has learnt something
    again = trained(task, run.dir, tmp_path / "again", architecture=run.task.recipe.architecture)
    assert (again.dir / "best" / "transformers" / "model.safetensors").exists()


def classifier(folder, out, **settings):
    """A classifier that begins with the encoder in a folder."""
    rows = [sd.Example(text, "odd" if number % 2 else "even") for number, text in enumerate(TEXTS)]
    return sd.train("sentiment", rows, out=out, start=str(folder), **{"steps": 1, "card": None, **settings})


def test_a_classifier_of_texts_begins_with_a_published_encoder(tmp_path):
    net, _ = published(tmp_path / "bert", "bert")
    run = classifier(tmp_path / "bert", tmp_path / "run", lr=0, average=0)
    assert run.task.recipe.epochs == run.task.recipe.begun["epochs"]  # it is tuned by other numbers
    own, theirs = dict(run.module.named_parameters()), dict(net.named_parameters())
    name = "intermediate.dense.weight"
    assert torch.equal(own["transformer.blocks.1.feed_forward.up.weight"], theirs[f"bert.encoder.layer.1.{name}"])
    assert run.task.input.tokenizer.kind == "pretrained"
    assert {result.label for result in run(TEXTS[:4])} <= {"odd", "even"}


def test_a_frozen_encoder_stays_as_it_was_and_its_answer_is_fitted(tmp_path):
    net, _ = published(tmp_path / "bert", "bert")
    run = classifier(tmp_path / "bert", tmp_path / "run", lr=1e-2, steps=5, tune="frozen")
    own, theirs = dict(run.module.named_parameters()), dict(net.named_parameters())
    for block in range(2):
        name = "intermediate.dense.weight"
        ours = own[f"transformer.blocks.{block}.feed_forward.up.weight"]
        assert torch.equal(ours, theirs[f"bert.encoder.layer.{block}.{name}"])
    train = run.dataset().train
    with torch.no_grad():
        x = run.task.encode_inputs([row.input for row in train])
        logits = sd.load(run.dir).module(x)[:, 0]
        y = run.task.encode_targets([row.target for row in train])
    gradient = (logits.softmax(dim=1) - y).sum(dim=0)
    torch.testing.assert_close(gradient, torch.zeros(2), atol=1e-2, rtol=0)  # the intercepts are at their optimum


def test_a_classifier_learns_by_low_rank_matrices_which_become_a_part_of_its_weights(tmp_path):
    net, _ = published(tmp_path / "bert", "bert")
    run = classifier(tmp_path / "bert", tmp_path / "run", lr=1e-2, steps=20, tune="lora", rank=2, average=0)
    own = dict(run.module.named_parameters())
    assert not own["transformer.blocks.0.attention.query.up"].any()  # nothing is left beside the weights
    name = "bert.encoder.layer.0.attention.self.query.weight"
    change = own["transformer.blocks.0.attention.query.weight"] - dict(net.named_parameters())[name]
    assert torch.linalg.matrix_rank(change, atol=1e-5) == 2
    assert [a.label for a in sd.load(run.dir)(TEXTS[:5])] == [a.label for a in run(TEXTS[:5])]


def test_with_few_rows_a_published_encoder_learns_by_contrast_unless_told_otherwise(tmp_path):
    published(tmp_path / "bert", "bert")
    models = {
        word: classifier(tmp_path / "bert", tmp_path / word, steps=30, lr=1e-3, contrastive=word)
        for word in ("auto", "yes", "no")
    }
    weights = {word: model.module.state_dict() for word, model in models.items()}
    name = "transformer.blocks.1.feed_forward.up.weight"
    assert torch.equal(weights["auto"][name], weights["yes"][name])
    assert not torch.equal(weights["auto"][name], weights["no"][name])
