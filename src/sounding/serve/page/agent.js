// An agent that is watched: an episode, step by step, with what it expects and how sure it is, in a disturbed world.

import { watched } from "./asking.js";
import { choice, dial, field, make, percent } from "./making.js";

const AHEAD = 200; // steps that are kept of what has come and was not shown yet

export class Agent {
  constructor(model, answer, trouble) {
    Object.assign(this, { model, answer, trouble });
    this.picture = make("img", { className: "screen", alt: "what is seen in the environment", hidden: true });
    this.said = make("p", { role: "status" }, "Watch it play an episode.");
    this.disturbance = choice(model.acts.disturbances.map((name) => [name, name]), model.acts.disturbances[0]);
    this.severity = make("input", { type: "range", min: 0, max: model.acts.severities, value: 0 });
    this.told = make("output", {}, "not at all");
    this.severity.addEventListener("input", () => {
      this.told.textContent = this.severity.value === "0" ? "not at all" : `${this.severity.value} of ${model.acts.severities}`;
    });
    this.severity.addEventListener("change", () => this.play());
    this.disturbance.addEventListener("change", () => this.severity.value !== "0" && this.play());
    this.seed = make("input", { type: "number", min: 0, value: 0 });
    this.button = make("button", { type: "button", className: "main", onclick: () => (this.abort ? this.stop() : this.play()) }, "Play an episode");
    this.element = make("div", {},
      this.said, this.picture, make("p", {}, this.button),
      make("div", { className: "row" }, field("Disturb the environment", this.disturbance), field("Episode", this.seed)),
      dial("How strongly", this.severity, this.told),
    );
  }

  stop() {
    this.abort?.abort();
    this.abort = null;
    this.answer.setAttribute("aria-live", "polite");
    this.button.textContent = "Play an episode";
  }

  async play() {
    this.stop();
    const abort = (this.abort = new AbortController());
    this.button.textContent = "Stop";
    this.trouble("");
    this.answer.setAttribute("aria-live", "off"); // many steps a second are not for reading aloud
    const severity = Number(this.severity.value);
    const worse = severity ? { disturbance: this.disturbance.value, severity } : {};
    try {
      const asked = { model: this.model.id, seed: Number(this.seed.value) || 0, ...worse };
      let due = performance.now();
      for await (const step of ahead(watched(asked, abort.signal), AHEAD)) {
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
        if (abort.signal.aborted) return;
        due = Math.max(due, performance.now() - 200) + 1000 / step.rate;
        this.show(step);
      }
    } catch (error) {
      if (error.name === "AbortError") return;
      this.trouble(error.message);
    }
    if (this.abort === abort) this.stop();
  }

  show(step) {
    this.picture.hidden = false;
    this.picture.onload = () => this.picture.classList.toggle("grained", this.picture.naturalWidth < 240);
    this.picture.src = step.picture;
    const score = Number(step.score.toFixed(2));
    if (step.ended || step.step === 1) this.said.textContent = step.ended ? `The episode ended with step ${step.step}: score ${score}.` : "It plays.";
    const expected = step.expected === null ? "" : `, ${step.expected.toFixed(2)} expected from here on`;
    const rows = step.answers.filter((row) => typeof row.score === "number").slice(0, 9).map((row) => make("tr", {},
      make("td", {}, row.label), make("td", { className: "number" }, percent(row.score)),
      make("td", {}, make("meter", { min: 0, max: 1, value: row.score, "aria-label": `probability of ${row.label}` })),
    ));
    this.answer.replaceChildren(
      make("p", { className: "label" }, step.action),
      make("p", { className: "score" }, `step ${step.step}, score ${score}${expected}`),
      make("table", { className: "bars" }, make("tbody", {}, ...rows)),
    );
  }
}

// What is read ahead of its use, so that the service does not wait for the screen; at most so many.
async function* ahead(source, most) {
  const kept = [];
  let [over, failed, wake] = [false, null, () => {}];
  const reading = (async () => {
    for await (const each of source) {
      kept.push(each);
      wake();
      while (kept.length >= most) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })().catch((error) => (failed = error)).finally(() => {
    over = true;
    wake();
  });
  for (;;) {
    while (kept.length) yield kept.shift();
    if (over && !kept.length) break;
    await new Promise((resolve) => (wake = resolve));
  }
  await reading;
  if (failed) throw failed;
}
