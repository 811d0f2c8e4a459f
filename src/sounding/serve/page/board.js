// A game against a model, on a board of buttons: with a finger, a mouse or the arrow keys.

import { play } from "./asking.js";
import { choice, dial, field, make, percent } from "./making.js";

const PIECES = { k: "♚", q: "♛", r: "♜", b: "♝", n: "♞", p: "♟" };
const STONES = { X: "x", O: "o" };

const STEP = 200;

// The ratings that can be chosen, from the least to the most that a model knows.
function ratingsOf(known) {
  if (!known) return [];
  const [least, most] = known;
  const between = Array.from({ length: Math.floor(most / STEP) }, (_, number) => STEP * (number + 1));
  const told = [least, ...between.filter((rating) => rating > least && rating < most), most];
  return told.map((rating) => [String(rating), `like a player rated ${rating}`]);
}

export class Board {
  constructor(model, answer, trouble) {
    this.model = model;
    this.answer = answer;
    this.trouble = trouble;
    this.moves = [];
    this.chosen = null;
    this.at = null;
    this.hints = [];
    this.strength = make("input", { type: "range", min: 1, max: model.game.levels, value: 5 });
    this.strength.addEventListener("input", () => (this.told.textContent = this.strength.value));
    this.told = make("output", {}, "5");
    this.side = choice([["0", "You begin"], ["1", "The model begins"]], "0");
    this.side.addEventListener("change", () => this.begin());
    this.grid = make("div", { className: "board", role: "grid", "aria-label": "board" });
    this.others = make("div", { className: "row" });
    this.said = make("p", { role: "status" }, "Getting the board …");
    this.rating = choice([["", "by its strength"], ...ratingsOf(model.game.ratings)], "");
    const sizes = model.game.sizes.map((lines) => [String(lines), `${lines} lines`]);
    this.size = choice(sizes, sizes[0]?.[0]);
    this.size.addEventListener("change", () => this.begin());
    const strength = dial("Strength", this.strength, this.told);
    const dials = [strength, field("Who begins", this.side)];
    if (model.game.ratings) dials.splice(1, 0, field("It plays", this.rating));
    if (sizes.length) dials.unshift(field("Board", this.size));
    const row = make("div", { className: "row" },
      this.button("New game", () => this.begin()),
      this.undoing = this.button("Undo", () => this.undo()),
      this.button("Hint", () => this.hint()),
    );
    this.element = make("div", {}, this.said, this.grid, this.others, row, make("div", { className: "row" }, ...dials));
    this.grid.addEventListener("keydown", (event) => this.key(event));
  }

  stop() {
    this.abort?.abort();
  }

  button(name, act) {
    return make("button", { type: "button", onclick: act }, name);
  }

  get person() {
    return Number(this.side.value);
  }

  begin() {
    this.moves = [];
    this.at = null;
    this.answer.replaceChildren(make("p", { className: "empty" }, "Make a move: what the model thinks stands here."));
    this.ask({ answer: this.person === 1 });
  }

  undo() {
    const mine = this.moves.findLastIndex((_, number) => number % 2 === this.person);
    if (mine >= 0) this.ask({ moves: this.moves.slice(0, mine) });
  }

  hint() {
    this.ask({ think: true, rating: undefined, strength: Math.max(8, Number(this.strength.value)) });
  }

  put(move) {
    this.ask({ moves: [...this.moves, move], answer: true });
  }

  // What a request says of the rating to play like and of the board, where these are chosen.
  chosenWords() {
    const words = this.rating.value ? { rating: Number(this.rating.value) } : {};
    return this.size.value ? { ...words, size: Number(this.size.value) } : words;
  }

  // Asks for the game after `moves`. What is refused leaves the game as it was.
  async ask(words) {
    this.abort?.abort();
    this.abort = new AbortController();
    this.grid.classList.add("busy");
    const asked = { model: this.model.id, moves: this.moves, strength: Number(this.strength.value), ...this.chosenWords(), ...words };
    try {
      const state = await play(asked, this.abort.signal);
      this.trouble("");
      this.show(state, words.think);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.trouble(error.message);
    }
    this.grid.classList.remove("busy");
  }

  show(state, hinted) {
    this.state = state;
    this.moves = state.moves;
    this.chosen = null;
    this.hints = hinted && state.thought ? state.thought.candidates.slice(0, 3).map((each) => each.move) : [];
    this.undoing.disabled = !this.moves.some((_, number) => number % 2 === this.person);
    this.draw();
    this.said.textContent = this.saying();
    if (state.thought) this.answer.replaceChildren(thoughtsOf(state, this.person));
  }

  saying() {
    const { over, result, answer } = this.state;
    if (over) return result === 0 ? "A draw." : (result > 0) === (this.person === 0) ? "You win." : "The model wins.";
    return `${answer ? `The model played ${answer}. ` : ""}Your turn.`;
  }

  // ---- the board

  name(row, column) {
    return `${this.state.columns[column]}${this.state.rows.length - row}`;
  }

  // The legal moves that a square means: its point, its column, or from where to where.
  meant(row, column) {
    const name = this.name(row, column).toUpperCase();
    return this.state.legal.filter((move) => {
      const word = move.toUpperCase();
      if (word === name || word === this.state.columns[column]) return true;
      const path = word.match(/^([A-Z]\d+)([A-Z]\d+)\w?$/);
      return path !== null && (this.chosen ? path[1] === this.chosen && path[2] === name : path[1] === name);
    });
  }

  draw() {
    const { rows, columns, look } = this.state;
    this.grid.className = `board ${look}`;
    this.grid.style.setProperty("--columns", columns.length);
    const focused = this.grid.contains(document.activeElement);
    const [last, owners] = [this.landed(), this.state.thought?.ownership];
    this.at ??= [Math.floor(rows.length / 2), Math.floor(columns.length / 2)];
    const lines = rows.map((signs, row) => make("div", { role: "row", style: "display: contents" },
      make("span", { className: "edge", role: "rowheader" }, String(rows.length - row)),
      ...[...signs].map((sign, column) => this.square(sign, row, column, last, owners?.[row * columns.length + column])),
    ));
    const names = make("div", { role: "row", style: "display: contents" }, make("span", { className: "edge", role: "presentation" }),
      ...[...columns].map((name) => make("span", { className: "edge", role: "columnheader" }, name)));
    this.grid.replaceChildren(...lines, names);
    if (focused) this.grid.querySelector('[tabindex="0"]').focus();
    const placed = new Set(rows.flatMap((signs, row) => [...signs].flatMap((_, column) => this.meant(row, column))));
    const rest = this.state.legal.filter((move) => !placed.has(move) && !/^[a-z]\d+[a-z]\d+/.test(move));
    this.others.replaceChildren(...rest.map((move) => this.button(move, () => this.put(move))));
  }

  square(sign, row, column, last, owner) {
    const name = this.name(row, column);
    const legal = !this.state.over && this.meant(row, column).length > 0;
    const here = this.at[0] === row && this.at[1] === column;
    const classes = ["square", legal ? "legal" : "", last === name ? "last" : "", this.chosen === name ? "chosen" : ""];
    if ((row + column) % 2) classes.push("dark");
    const square = make("button", { type: "button", className: classes.filter(Boolean).join(" "), tabIndex: here ? 0 : -1 });
    square.setAttribute("role", "gridcell");
    square.setAttribute("aria-label", `${name}, ${standing(sign)}${legal ? ", can be played" : ""}`);
    if (!legal) square.setAttribute("aria-disabled", "true");
    const piece = PIECES[sign.toLowerCase()];
    if (piece && !STONES[sign]) square.append(make("span", { className: `piece ${sign === sign.toUpperCase() ? "x" : "o"}` }, piece));
    else if (sign !== "." || this.state.look === "holes") square.append(make("span", { className: `stone ${STONES[sign] ?? ""}` }));
    if (owner !== undefined && Math.abs(owner) > 0.4) {
      const first = (owner > 0) === (this.state.thought.player === 0);
      square.append(make("span", { className: `owner ${first ? "x" : "o"}` }));
    }
    if (this.hints.some((move) => this.meant(row, column).includes(move)) && this.lands(row, column)) {
      square.append(make("span", { className: "hint" }));
    }
    square.addEventListener("click", () => this.press(row, column));
    return square;
  }

  // Whether a move in this column would come to lie here; on boards where nothing falls, always.
  lands(row, column) {
    const { rows, legal, columns } = this.state;
    if (!legal.includes(columns[column])) return true;
    return rows[row][column] === "." && (row === rows.length - 1 || rows[row + 1][column] !== ".");
  }

  landed() {
    const move = this.moves.at(-1)?.toUpperCase();
    if (!move) return "";
    const column = this.state.columns.indexOf(move);
    if (column < 0) return move.match(/([A-Z]\d+)[A-Z]?$/)?.[1] ?? "";
    const row = this.state.rows.findIndex((signs) => signs[column] !== ".");
    return row < 0 ? "" : this.name(row, column);
  }

  press(row, column) {
    this.at = [row, column];
    const meant = this.state.over ? [] : this.meant(row, column);
    if (meant.length === 0) {
      this.chosen = null;
      this.draw();
    } else if (/^[a-z]\d+[a-z]\d+/.test(meant[0]) && !this.chosen) {
      this.chosen = this.name(row, column);
      this.draw();
    } else {
      this.put(meant.find((move) => move.endsWith("q")) ?? meant[0]);
    }
  }

  key(event) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const inside = (place, size) => Math.max(0, Math.min(size - 1, place));
    this.at = [inside(this.at[0] + step[0], this.state.rows.length), inside(this.at[1] + step[1], this.state.columns.length)];
    const squares = [...this.grid.querySelectorAll(".square")];
    squares.forEach((square, k) => (square.tabIndex = k === this.at[0] * this.state.columns.length + this.at[1] ? 0 : -1));
    this.grid.querySelector('[tabindex="0"]').focus();
  }
}

function standing(sign) {
  if (sign === ".") return "empty";
  if (STONES[sign]) return sign === "X" ? "first player" : "second player";
  const names = { k: "king", q: "queen", r: "rook", b: "bishop", n: "knight", p: "pawn" };
  return `${sign === sign.toUpperCase() ? "white" : "black"} ${names[sign.toLowerCase()]}`;
}

function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

// What the model thought: who is likely to win, and the moves that it looked at.
function thoughtsOf(state, person) {
  const { thought } = state;
  const mine = thought.player === person ? thought.win_rate : 1 - thought.win_rate;
  const meter = make("meter", { min: 0, max: 1, value: mine, "aria-label": "your chance to win" });
  const lead = thought.lead === null ? "" : `, ${Math.abs(thought.lead).toFixed(1)} points ${(thought.lead > 0) === (thought.player === person) ? "ahead" : "behind"}`;
  const head = make("tr", {}, ...["move", "wins", "looked at", "goes on"].map((name, k) => make("th", { className: k === 1 || k === 2 ? "number" : "" }, name)));
  const rows = thought.candidates.map((each) => make("tr", {},
    make("td", {}, each.move), make("td", { className: "number" }, percent(each.win_rate)),
    make("td", { className: "number" }, String(each.visits)), make("td", {}, each.line.slice(1).join(" ")),
  ));
  const whose = thought.player === person ? "Moves that it would look at in your place" : "Moves that it looked at";
  return make("div", {},
    make("p", { className: "label" }, `Your chance: ${percent(mine)}`), make("p", { className: "score" }, `as the model sees it${lead}, after ${counted(thought.simulations, thought.unit)} `, meter),
    make("h3", {}, whose), make("div", { className: "scroll" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))),
  );
}
