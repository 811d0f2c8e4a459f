// What the page asks of the service. Nothing else is ever asked: no address but this one.

import { make } from "./making.js";

let token = sessionStorage.getItem("token") || "";

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function send(address, options = {}) {
  const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(address, { ...options, headers });
  if (response.status === 401) {
    await askForToken();
    return send(address, options);
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => null);
  throw new Refused(said?.error?.message ?? `the service said ${response.status}`, response.status);
}

function askForToken() {
  const word = make("input", { type: "password", autocomplete: "off", required: true });
  const dialog = make("dialog", { "aria-labelledby": "token-title" },
    make("form", { method: "dialog" },
      make("h2", { id: "token-title" }, "This service asks for a token"),
      make("label", {}, "Token ", word),
      make("button", {}, "Go on"),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      token = word.value;
      sessionStorage.setItem("token", token);
      dialog.remove();
      resolve();
    }, { once: true });
  });
}

function asJson(words, signal) {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(words), signal };
}

export async function models() {
  return (await (await send("/v1/models")).json()).data;
}

export async function described() {
  return (await send("/openapi.json")).json();
}

export async function cardPage(model) {
  return (await send(`/v1/card?format=html&model=${encodeURIComponent(model)}`)).text();
}

export async function show(words, signal) {
  return (await send("/v1/show", asJson(words, signal))).json();
}

export async function play(words, signal) {
  return (await send("/v1/play", asJson(words, signal))).json();
}

// The events that the service streams in answer, each as what it holds.
async function* streamed(address, words, signal) {
  const response = await send(address, asJson(words, signal));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data === "[DONE]") return;
      const found = JSON.parse(data);
      if (found.error) throw new Refused(found.error.message, found.error.code);
      yield found;
    }
  }
}

// The pieces of a text as they are written.
export async function* written(words, signal) {
  for await (const found of streamed("/v1/completions", { ...words, stream: true }, signal)) yield found.choices[0].text;
}

// The steps of an agent's episode.
export function watched(words, signal) {
  return streamed("/v1/watch", words, signal);
}
