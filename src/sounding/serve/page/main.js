// The page: a model is picked, its form appears, and what is given is answered, explained, disturbed.

import { cardPage, models, show, written } from "./asking.js";
import { Agent } from "./agent.js";
import { answerOf } from "./answer.js";
import { Board } from "./board.js";
import { inputForm, optionsForm } from "./form.js";
import { choice, dial, field, make, settled } from "./making.js";

const METHODS = [["", "no"], ["occlusion", "by taking parts away"], ["gradient", "by gradients"], ["shapley", "by Shapley values"]];
const place = (id) => document.getElementById(id);
const known = new Map();

function trouble(message) {
  place("trouble").textContent = message;
  place("trouble").hidden = !message;
}

async function begin() {
  const found = await models();
  for (const model of found) {
    known.set(model.id, model);
    place("models").append(make("option", { value: model.id }, `${model.id} (${model.task})`));
  }
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (known.has(wanted)) place("models").value = wanted;
  place("models").addEventListener("change", () => pick(known.get(place("models").value)));
  pick(known.get(place("models").value));
}

let current = null;

function pick(model) {
  current?.stop?.();
  history.replaceState(null, "", `#${encodeURIComponent(model.id)}`);
  trouble(model.warning);
  place("about").textContent = model.summary;
  place("caution").textContent = model.caution;
  place("caution").hidden = !model.caution;
  place("card-open").disabled = !model.card;
  place("card-open").title = model.card ? "" : "No card was measured";
  place("answer").replaceChildren(make("p", { className: "empty" }, "Nothing has been asked yet."));
  current = begun(model);
}

// What plays is played with, or watched; about a single position it can be asked as any other model, but for an engine.
function begun(model) {
  if (!model.input) {
    const board = new Board(model, place("answer"), trouble);
    place("input").replaceChildren(board.element);
    board.begin();
    return board;
  }
  const asking = new Asking(model);
  if (!model.game && !model.acts) {
    place("input").replaceChildren(asking.element);
    return asking;
  }
  const playing = new (model.game ? Board : Agent)(model, place("answer"), trouble);
  const single = make("details", {}, make("summary", {}, `Ask about one ${model.input.kind}`), asking.element);
  single.addEventListener("toggle", () => single.open && playing.moves && asking.form.fill(playing.moves.join(" ")));
  place("input").replaceChildren(playing.element, single);
  playing.begin?.();
  return { stop: () => [playing, asking].forEach((each) => each.stop?.()) };
}

// One model that is asked: its form, and the latest question; earlier ones are given up.
class Asking {
  constructor(model) {
    this.model = model;
    this.form = inputForm(model.input, model.answer, (now) => (now || !model.answer.streams) && this.ask());
    this.options = optionsForm(model.options, () => this.ask());
    this.explain = choice(METHODS, "");
    this.explain.addEventListener("change", () => this.ask());
    this.disturbance = choice(model.input.disturbances.map((name) => [name, name.replaceAll("_", " ")]), model.input.disturbances[0]);
    this.severity = make("input", { type: "range", min: 0, max: model.input.severities, value: 0 });
    this.told = make("output", {}, "not at all");
    const moved = settled(() => this.ask(), 120);
    this.severity.addEventListener("input", () => {
      this.told.textContent = this.severity.value === "0" ? "not at all" : `${this.severity.value} of ${model.input.severities}`;
      moved();
    });
    this.disturbance.addEventListener("change", () => this.severity.value !== "0" && this.ask());
    const button = make("button", { type: "button", className: "main", onclick: () => this.ask() }, "Ask");
    const tools = [];
    if (model.input.explained) tools.push(field("Explain the answer", this.explain));
    if (model.input.disturbances.length) tools.push(field("Disturb the input", this.disturbance));
    const strongly = dial("How strongly", this.severity, this.told);
    const parts = [this.form.element, make("p", {}, button), make("div", { className: "row" }, ...tools)];
    if (model.input.disturbances.length) parts.push(strongly);
    if (this.options.element) parts.push(this.options.element);
    this.element = make("div", {}, ...parts);
  }

  stop() {
    this.abort?.abort();
  }

  async ask() {
    const inputs = this.form.inputs();
    if (inputs === null) return;
    this.stop();
    this.abort = new AbortController();
    const { signal } = this.abort;
    place("answer").classList.add("busy");
    try {
      const severity = Number(this.severity.value);
      const worse = severity ? { disturbance: this.disturbance.value, severity } : {};
      const why = this.explain.value ? { explain: this.explain.value } : {};
      const words = { model: this.model.id, inputs, parameters: this.options.parameters(), ...worse, ...why };
      if (this.model.answer.streams && !severity && !this.explain.value) await this.follow(words, signal);
      else place("answer").replaceChildren(answerOf(await show(words, signal), this.form.text()));
      trouble("");
    } catch (error) {
      if (error.name === "AbortError") return;
      trouble(error.message);
    }
    place("answer").classList.remove("busy");
  }

  // The answer while it is written.
  async follow(words, signal) {
    const { length, ...rest } = words.parameters;
    const asked = { model: words.model, prompt: words.inputs, ...rest, ...(length === undefined ? {} : { max_tokens: length }) };
    const text = make("p", { className: "written" }, make("span", { className: "given" }, words.inputs));
    place("answer").replaceChildren(text);
    for await (const piece of written(asked, signal)) text.append(piece);
  }
}

place("card-open").addEventListener("click", async () => {
  try {
    place("card-page").srcdoc = await cardPage(place("models").value);
    place("card").showModal();
  } catch (error) {
    trouble(error.message);
  }
});
place("card-close").addEventListener("click", () => place("card").close());
begin().catch((error) => trouble(error.message));
