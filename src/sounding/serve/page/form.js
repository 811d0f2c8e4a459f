// The form of a kind of input, made of what the service says of it: a new kind gets its form for nothing.

import { asWav, record } from "./sound.js";
import { choice, field, make, named, settled } from "./making.js";

// `taken` is `input` of a model; `changed(now)` is told that there is something to ask, now or when typing has settled.
export function inputForm(taken, answer, changed) {
  const parts = [];
  const given = Array(taken.count).fill(null); // files in base64, by their place
  const text = taken.written ? textarea(taken, changed) : null;
  if (text) parts.push(field(taken.table ? "A table, with a line of names (CSV)" : named(taken.kind), text));
  if (taken.files.length) {
    for (let place = 0; place < (taken.written ? 1 : taken.count); place++) {
      const name = taken.count > 1 && !taken.written ? `${taken.kind}, number ${place + 1}` : named(taken.kind);
      parts.push(drop(text ? `${name}, as a file` : `${name}: a file`, taken, async (file) => {
        if (text) text.value = await file.text();
        else given[place] = await base64(taken.heard && !/wav|flac/.test(file.type) ? await decoded(file) : file);
        changed(true);
      }));
    }
  }
  if (taken.heard) parts.push(recorder(async (file) => {
    given[0] = await base64(file);
    changed(true);
  }));
  return {
    element: make("div", {}, ...parts),
    inputs() {
      if (text) return text.value.trim() ? text.value : null;
      if (given.includes(null)) return null;
      return given.length > 1 ? { first: given[0], second: given[1] } : given[0];
    },
    text() {
      return text && !taken.table ? text.value : null;
    },
    fill(words) {
      if (text && !text.value) text.value = words;
    },
  };
}

function textarea(taken, changed) {
  const later = settled(() => changed(false), 600);
  const placeholder = taken.table ? "time,sales\n2024-01-01,12\n2024-01-02,15" : `Type or paste a ${taken.kind}`;
  return make("textarea", { placeholder, oninput: later, spellcheck: false });
}

function drop(name, taken, take) {
  const said = make("span", { className: "empty" }, "or drop it here");
  const chooser = make("input", { type: "file", accept: taken.files.join(",") });
  const use = async (file) => {
    if (!file) return;
    said.textContent = file.name;
    await take(file);
  };
  chooser.addEventListener("change", () => use(chooser.files[0]));
  const area = make("div", { className: "drop" }, field(name, chooser), said);
  area.addEventListener("dragover", (event) => {
    event.preventDefault();
    area.classList.add("over");
  });
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    use(event.dataTransfer.files[0]);
  });
  return area;
}

function recorder(take) {
  let stop = null;
  const said = make("span", { role: "status" });
  const button = make("button", { type: "button" }, "Record");
  button.addEventListener("click", async () => {
    try {
      if (stop) {
        button.textContent = "Record";
        const end = stop;
        stop = null;
        await take(await end());
        said.textContent = " recorded";
      } else {
        stop = await record();
        button.textContent = "Stop";
        said.textContent = " recording …";
      }
    } catch (error) {
      stop = null;
      button.textContent = "Record";
      said.textContent = ` there is no microphone (${error.message})`;
    }
  });
  return make("p", {}, button, said);
}

// A recording that the service may not know (m4a, webm) is opened by the browser, where that knows it.
async function decoded(file) {
  try {
    return await asWav(file);
  } catch {
    return file;
  }
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}

// How the model is to answer: its options, each as what it is.
export function optionsForm(options, changed) {
  const controls = options.map((option) => [option, control(option, changed)]);
  const fields = controls.map(([option, made]) => field(option.name.replaceAll("_", " "), made));
  const element = options.length ? make("details", {}, make("summary", {}, "How it answers"), ...fields) : null;
  return {
    element,
    parameters() {
      const said = controls.map(([option, made]) => [option.name, value(option, made)]);
      return Object.fromEntries(said.filter(([name, now]) => now !== options.find((o) => o.name === name).default));
    },
  };
}

function control(option, changed) {
  const onchange = () => changed(true);
  if (option.type === "bool") {
    const yes = choice([["yes", "yes"], ["no", "no"]], option.default ? "yes" : "no");
    yes.addEventListener("change", onchange);
    return yes;
  }
  const words = { type: option.type === "str" ? "text" : "number", value: option.default, onchange };
  if (option.range) [words.min, words.max] = option.range;
  return make("input", option.type === "float" ? { ...words, step: "any" } : words);
}

function value(option, made) {
  if (option.type === "bool") return made.value === "yes";
  if (option.type === "str") return made.value;
  return made.value === "" ? option.default : Number(made.value);
}
