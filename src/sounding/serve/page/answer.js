// An answer as people see it: in words, with its confidence, drawn over the input, and the best of the others.

import { drawing, make, percent } from "./making.js";

const MOST = 8; // rows of a table of answers
const LONG = 60; // characters from which a label is a text

export function answerOf(found, textual) {
  const parts = [];
  const long = found.label.length > LONG;
  parts.push(make("p", { className: long ? "label long" : "label" }, found.label));
  if (found.score !== null) parts.push(confidence(found.score));
  if (found.note) parts.push(make("p", { className: "note" }, found.note));
  if (textual && found.text !== undefined && textual !== found.text) {
    parts.push(make("h3", {}, "What was read"), make("p", { className: "written" }, found.text));
  }
  parts.push(drawing(found.drawing, `the input, with the answer ${found.label}`));
  if (found.sound) parts.push(make("audio", { controls: true, src: found.sound.url, "aria-label": "what was heard" }));
  const rows = table(found.answers);
  if (rows) parts.push(rows);
  if (found.explanation) parts.push(...explained(found.explanation));
  return make("div", {}, ...parts);
}

function confidence(score) {
  const meter = make("meter", { min: 0, max: 1, value: score, "aria-label": "confidence" });
  return make("p", { className: "score" }, `confidence ${percent(score)} `, meter);
}

function table(answers) {
  if (!answers.length) return null;
  const labelled = answers.every((row) => typeof (row.label ?? row.token_str) === "string" && typeof row.score === "number");
  if (labelled && !("mask" in answers[0]) && !("box" in answers[0])) return bars(answers);
  const names = Object.keys(answers[0]).filter((name) => !["mask", "chunks", "generated_text"].includes(name));
  const plain = names.filter((name) => answers.some((row) => typeof row[name] !== "object" || row[name] === null));
  const boxes = "box" in answers[0];
  if (answers.length === 1 && !boxes) return null;
  const head = make("tr", {}, ...plain.map((name) => make("th", { className: isNumber(answers, name) ? "number" : "" }, name)));
  const lines = answers.slice(0, MOST).map((row) =>
    make("tr", {}, ...plain.map((name) => make("td", { className: isNumber(answers, name) ? "number" : "" }, told(row[name])))),
  );
  const more = answers.length > MOST ? make("p", { className: "empty" }, `and ${answers.length - MOST} more`) : null;
  return make("div", { className: "scroll" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines)), ...(more ? [more] : []));
}

function isNumber(answers, name) {
  return answers.every((row) => typeof row[name] === "number" || row[name] === null);
}

function told(value) {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toPrecision(4);
  return value === null ? "" : String(value);
}

function bars(answers) {
  const lines = answers.slice(0, MOST).map((row) => {
    const name = row.label ?? row.token_str;
    const meter = make("meter", { min: 0, max: 1, value: row.score, "aria-label": `share of ${name}` });
    return make("tr", {}, make("td", {}, name), make("td", { className: "number" }, percent(row.score)), make("td", {}, meter));
  });
  return make("table", { className: "bars" }, make("tbody", {}, ...lines));
}

function explained(why) {
  const rows = why.top.filter((part) => part.weight > 0).map((part) =>
    make("tr", {}, make("td", {}, part.where), make("td", { className: "number" }, part.weight.toFixed(3))),
  );
  if (!rows.length) return [make("p", { className: "empty" }, "No part by itself speaks for this answer.")];
  return [make("h3", {}, "What speaks most for it (nats)"), make("table", {}, make("tbody", {}, ...rows))];
}
