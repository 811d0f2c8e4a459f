// Elements, made in one line each. Texts are always texts: nothing is read as markup but drawings of the service.

export function make(tag, words = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(words)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function field(label, control) {
  return make("label", { className: "field" }, make("span", {}, label), control);
}

export function choice(names, selected) {
  const options = names.map(([value, text]) => make("option", { value, selected: value === selected }, text));
  return make("select", {}, ...options);
}

export function named(kind) {
  return `${/^[aeiou]/.test(kind) ? "An" : "A"} ${kind}`;
}

// A field whose name is followed by what is chosen now.
export function dial(name, control, output) {
  return make("label", { className: "field" }, make("span", {}, `${name}: `, output), control);
}

// A drawing of the service, in which every word is escaped; the policy of the page lets no script in it run.
export function drawing(markup, name) {
  const paper = make("div", { className: "paper" });
  paper.innerHTML = markup;
  paper.querySelectorAll("svg").forEach((svg) => svg.setAttribute("aria-label", name));
  return paper;
}

export function percent(share) {
  return `${(100 * share).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`;
}

// What happens again and again happens once, a moment after the last time.
export function settled(act, wait = 180) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, wait);
  };
}
