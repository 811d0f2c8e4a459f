// The page of a training: the service says every second what is new; examples are fetched when they were answered anew.

import { answerOf } from "./answer.js";
import { curves, short } from "./curves.js";
import { make, percent } from "./making.js";

const STATES = { training: "training", finished: "the training is finished", stopped: "stopped; it can go on", failed: "the training failed" };
const OWN = ["step", "epoch", "seconds", "learning_rate", "training_loss", "validation_loss"];
const place = (id) => document.getElementById(id);
let [points, rows, seen] = [[], [], 0];

function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  return whole < 7200 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function energy(found) {
  if (!found) return "–";
  const { joules } = found;
  const said = joules < 36000 ? `${short(joules)} J` : `${short(joules / 3600)} Wh`;
  return `${said}${found.kind === "estimated" ? " (estimated)" : ""}`;
}

function showStanding(told) {
  const now = told.standing;
  if (now.step === undefined) return;
  place("progress").value = now.progress;
  const facts = {
    "done": percent(now.progress),
    "step": now.step.toLocaleString("en") + (now.steps ? ` of ${now.steps.toLocaleString("en")}` : ""),
    ...(now.epoch === null ? {} : { "epoch": now.epoch.toFixed(1) }),
    "time": duration(now.seconds),
    "time left": now.progress < 1 ? duration(now.left) : "none",
    "examples a second": short(now.rate),
    "energy": energy(told.energy),
    "loss": short(now.loss),
  };
  if (now.value !== null) facts[`validation ${now.metric}`] = short(now.value);
  place("standing").replaceChildren(...Object.entries(facts).map(([name, value]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

function figure(title, series, names) {
  const latest = series.map((each) => each.findLast(([, value]) => Number.isFinite(value))?.[1]);
  const heard = names.map((name, k) => `${name} ${short(latest[k])}`).join(", ");
  const caption = make("figcaption", {}, title);
  names.forEach((name, k) => caption.append(make("span", { className: k ? "key second" : "key" }), `${name} `, make("b", {}, short(latest[k]))));
  return make("figure", {}, caption, curves(`${title} by step; now ${heard}`, series));
}

function showCurves() {
  const measured = [...new Set(rows.flatMap(Object.keys))].filter((name) => !OWN.includes(name));
  const of = (name) => rows.map((row) => [row.step, row[name]]);
  const figures = [figure("Loss", [points.map(([step, loss]) => [step, loss]), of("validation_loss")], ["training", "validation"])];
  for (const name of measured) figures.push(figure("On validation rows", [of(name)], [name]));
  figures.push(figure("Learning rate", [points.map(([step, , rate]) => [step, rate])], ["rate"]));
  place("curves").replaceChildren(...figures);
}

async function showExamples(number) {
  if (number === seen) return;
  seen = number;
  try {
    const found = await (await fetch("/watch/examples")).json();
    place("examples").replaceChildren(...found.map(example));
  } catch {
    seen = 0; // the training ended meanwhile, which the course says
  }
}

function example(one) {
  const best = { ...one, answers: one.answers.slice(0, 3) };
  return make("article", {}, answerOf(best), make("p", { className: "truth" }, `right: ${one.truth}`));
}

const COLUMNS = [["std", "spread of outputs"], ["gradient_norm", "gradient norm"], ["weight", "weights"], ["dead", "dead units"]];

function showLayers(found) {
  place("layers").hidden = !found;
  if (!found) return;
  place("verdict").textContent = `Step ${found.step.toLocaleString("en")}, on ${found.rows} rows: ${found.sentence}`;
  place("verdict").className = found.verdict === "healthy" ? "" : "ill";
  const head = ["layer", "kind", ...COLUMNS.map(([, name]) => name)].map((name, k) => make("th", { scope: "col", className: k > 1 ? "number" : "" }, name));
  const largest = Object.fromEntries(COLUMNS.map(([key]) => [key, Math.max(...found[key].filter(Number.isFinite), 1e-30)]));
  const lines = found.names.map((name, k) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, found.kinds[k]),
    ...COLUMNS.map(([key]) => cell(key, found[key][k], largest[key]))));
  place("layers").replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...lines)));
}

// A number with a bar: of a share its length, else how many powers of ten it lies below the largest, to six.
function cell(key, value, largest) {
  const known = Number.isFinite(value);
  const share = !known || value <= 0 ? 0 : key === "dead" ? value : Math.max(0, 1 + Math.log10(value / largest) / 6);
  const bar = make("span", { className: "bar-space", "aria-hidden": "true" }, make("span", { className: "bar-of", style: `width: ${(4 * share).toFixed(2)}rem` }));
  return make("td", { className: "number" }, key === "dead" && known ? percent(value) : short(value), " ", bar);
}

function showMessages(messages) {
  place("said").hidden = place("said").hidden && !messages.length;
  for (const message of messages) place("messages").append(make("li", {}, message));
}

function show(told) {
  if (told.anew) [points, rows] = [[], []];
  points.push(...told.points);
  rows.push(...told.rows);
  place("title").textContent = told.title;
  place("state").textContent = STATES[told.state];
  document.title = `${told.title}: ${STATES[told.state]}`;
  showStanding(told);
  if (told.anew || told.points.length || told.rows.length) showCurves();
  if ("layers" in told) showLayers(told.layers);
  showMessages(told.messages);
  if (told.examples) showExamples(told.examples);
}

const course = new EventSource("/watch/course");
course.addEventListener("message", (event) => {
  const told = JSON.parse(event.data);
  show(told);
  if (told.state !== "training") course.close();
});
course.addEventListener("error", () => {
  course.close();
  place("trouble").textContent = "The training does not answer any more. What stands here is the last that was heard of it; load the page again once it goes on.";
  place("trouble").hidden = false;
});
