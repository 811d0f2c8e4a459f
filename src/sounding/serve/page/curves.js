// Curves against the steps of a training, as SVG: one or two of them in a frame, with the ends of both axes.

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [360, 190, 52, 20, 8, 10];
const SPACE = "http://www.w3.org/2000/svg";

function shape(tag, words, text = "") {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(words)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

// `series` are lists of [step, value]; what is no finite number is left out. `name` is what a person who cannot see hears.
export function curves(name, series) {
  const known = series.map((points) => points.filter(([, value]) => Number.isFinite(value)));
  const every = known.flat();
  const paper = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": name });
  paper.append(shape("rect", { class: "frame", x: LEFT, y: TOP, width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM }));
  if (!every.length) return paper;
  const [steps, values] = [ends(every.map(([step]) => step)), padded(ends(every.map(([, value]) => value)))];
  const across = (step) => LEFT + ((step - steps[0]) / (steps[1] - steps[0] || 1)) * (WIDTH - LEFT - RIGHT);
  const up = (value) => HEIGHT - BOTTOM - ((value - values[0]) / (values[1] - values[0])) * (HEIGHT - TOP - BOTTOM);
  known.forEach((points, which) => draw(paper, points, which ? "second" : "first", across, up));
  paper.append(shape("text", { x: LEFT, y: HEIGHT - 5 }, `step ${steps[0].toLocaleString("en")}`));
  paper.append(shape("text", { x: WIDTH - RIGHT, y: HEIGHT - 5, "text-anchor": "end" }, steps[1].toLocaleString("en")));
  paper.append(shape("text", { x: LEFT - 4, y: HEIGHT - BOTTOM, "text-anchor": "end" }, short(values[0])));
  paper.append(shape("text", { x: LEFT - 4, y: TOP + 9, "text-anchor": "end" }, short(values[1])));
  return paper;
}

function draw(paper, points, kind, across, up) {
  const path = points.map(([step, value], k) => `${k ? "L" : "M"}${across(step).toFixed(1)} ${up(value).toFixed(1)}`).join("");
  if (path) paper.append(shape("path", { class: kind, d: path }));
  if (points.length > 40) return;
  for (const [step, value] of points) paper.append(shape("circle", { class: kind, cx: across(step).toFixed(1), cy: up(value).toFixed(1), r: 2.2 }));
}

function ends(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

function padded([low, high]) {
  const margin = high > low ? 0.05 * (high - low) : Math.abs(high) * 0.1 || 1;
  return [low < 0 ? low - margin : Math.max(0, low - margin), high + margin];
}

export function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}
