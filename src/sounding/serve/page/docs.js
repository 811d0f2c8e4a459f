// The addresses of the service, read from its own description.

import { described } from "./asking.js";
import { make } from "./making.js";

function kinds(schema) {
  return schema.anyOf ? schema.anyOf.map(kinds).join(" or ") : (schema.type ?? "");
}

function fields(schema) {
  const needed = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([name, of]) => make("tr", {},
    make("td", {}, make("code", {}, name)), make("td", {}, kinds(of) + (needed.has(name) ? ", needed" : "")),
    make("td", {}, [of.description, of.default === undefined ? "" : `(${of.default})`].filter(Boolean).join(" ")),
  ));
  return make("table", {}, make("tbody", {}, ...rows));
}

function address(path, verb, of) {
  const parts = [make("h2", {}, make("code", {}, `${verb.toUpperCase()} ${path}`)), make("p", {}, of.summary)];
  for (const [kind, { schema }] of Object.entries(of.requestBody?.content ?? {})) parts.push(make("h3", {}, kind), fields(schema));
  if (of.parameters?.length) {
    const properties = Object.fromEntries(of.parameters.map((each) => [each.name, each.schema]));
    parts.push(make("h3", {}, "in the address"), fields({ properties }));
  }
  return make("section", { style: "margin-bottom: 1rem" }, ...parts);
}

described().then((found) => {
  const every = Object.entries(found.paths).flatMap(([path, verbs]) => Object.entries(verbs).map(([verb, of]) => address(path, verb, of)));
  document.getElementById("addresses").replaceChildren(...every);
}).catch((error) => {
  const place = document.getElementById("trouble");
  place.textContent = error.message;
  place.hidden = false;
});
