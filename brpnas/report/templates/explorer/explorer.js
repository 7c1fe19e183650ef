/* The explorer: axes, limit, best networks, selection by mouse and keyboard, words for readers. */

const REACH = 14;
const STEPS = 400;

class Explorer {
  static async start() {
    const data = await readPoints();
    return new Explorer(data, await ParetoPlot.embed(data));
  }

  constructor(data, plot) {
    Object.assign(this, { data, plot, selected: null });
    this.axis = (name) => data.axes.find((axis) => axis.name === name);
    this.x = this.axis(data.x);
    this.y = this.axis(data.y);
    this.fillChoices();
    this.drawLegend();
    this.listen();
    this.show();
  }

  fillChoices() {
    for (const name of ["x", "y"]) {
      const options = this.data.axes.map((axis) => make("option", { value: axis.name }, labelOf(axis)));
      element(name).append(...options);
    }
  }

  drawLegend() {
    const entry = (name, colour, text) => make("li", {}, make("span", { class: `key ${name}`, style: `--key: var(--${colour})`, "aria-hidden": "true" }), text);
    const entries = [entry("dot", "muted", "network"), entry("line", "text", "Pareto front"),
      ...this.data.marks.map((mark) => entry(mark.shape, mark.colour, mark.label)),
      entry("ring", "accent", "best within the limit"), entry("star", "vermillion", "winner")];
    if (this.data.members.length) entries.push(entry("ring", "text", "front of the search"));
    if (this.data.knee !== null) entries.push(entry("hex", "green", "suggested knee"));
    element("legend").append(...entries);
  }

  /** Shows the chosen axes with the limit of the task on the horizontal one. */
  show() {
    const { x, y, data } = this;
    element("x").value = x.name;
    element("y").value = y.name;
    this.rows = rowsOf(x, y);
    this.front = frontOf(data, x, y, this.rows);
    this.plot.show(x, y, this.rows, this.front, placesOf(data, x, y, this.rows));
    element("plot").setAttribute("aria-label",
      `Scatter plot of ${counted(this.rows.length, "network")}: ${labelOf(x)} across, ${labelOf(y)} upward. ${counted(this.front.length, "place")} on the Pareto front.`);
    const hidden = data.names.length - this.rows.length;
    element("hidden").textContent = hidden ? `${counted(hidden, "network")} without a value on these axes ${hidden === 1 ? "is" : "are"} not drawn.` : "";
    element("side").textContent = x.cost ? "Limit, at most" : "Limit, at least";
    element("unit").textContent = x.unit;
    this.limitTo(x.limit ?? this.loosest());
    this.select(this.rows.includes(this.selected) ? this.selected : null);
  }

  loosest() {
    const { least, most } = this.plot.scales.x;
    return this.x.cost ? most : least;
  }

  /** Value of the limit at a step of the slider, in three digits; the ends are exact. */
  valueAt(step) {
    const { to, from, least, most } = this.plot.scales.x;
    if (step <= 0) return least;
    if (step >= STEPS) return most;
    return Number(from(to(least) + (to(most) - to(least)) * step / STEPS).toPrecision(this.x.cost ? 3 : 4));
  }

  stepOf(value) {
    const { to, least, most } = this.plot.scales.x;
    const inside = Math.min(Math.max(value, least), most);
    return most > least ? Math.round(STEPS * (to(inside) - to(least)) / (to(most) - to(least))) : STEPS;
  }

  limitTo(value) {
    const { x, y } = this;
    this.limit = value;
    const slider = element("limit");
    slider.value = this.stepOf(value);
    slider.setAttribute("aria-valuetext", written(x, value));
    element("number").value = Number(value.toPrecision(6));
    this.plot.limit(value);
    const within = rowsWithin(x, value, this.rows);
    this.leaders = leadersOf(this.data, x, y, within);
    this.plot.fill("leaders", this.leaders);
    const limit = `${x.title.toLowerCase()} ${x.cost ? "≤" : "≥"} ${written(x, value)}`;
    element("within").textContent = within.length
      ? `${counted(within.length, "network")} with ${limit}; the best by ${y.title.toLowerCase()}:`
      : `No network with ${limit}.`;
    this.listLeaders();
    return within.length;
  }

  listLeaders() {
    const head = [this.y, this.x].map((axis) => make("th", { scope: "col", class: "number" }, axis.title));
    element("heads").replaceChildren(make("th", { scope: "col" }, "Network"), ...head);
    const rows = this.leaders.map((row) => {
      const button = make("button", { type: "button", "data-row": row }, make("code", {}, this.data.names[row]));
      button.tabIndex = -1;
      const figures = [this.y, this.x].map((axis) => make("td", { class: "number" }, written(axis, axis.values[row])));
      const notes = [row === this.data.winner && "winner", this.roundOf(row), this.equalTo(row)].filter(Boolean);
      return make("tr", {}, make("td", {}, button, ...(notes.length ? [make("span", { class: "muted" }, notes.join(", "))] : [])), ...figures);
    });
    element("leaders").replaceChildren(...rows);
    this.markLeader();
  }

  buttons() {
    return [...element("leaders").querySelectorAll("button")];
  }

  /** Marks the selected leader; it, or the first, can be reached by Tab. */
  markLeader() {
    const buttons = this.buttons();
    const current = buttons.find((button) => Number(button.dataset.row) === this.selected);
    for (const button of buttons) {
      button.tabIndex = button === (current ?? buttons[0]) ? 0 : -1;
      button.setAttribute("aria-pressed", String(button === current));
    }
  }

  roundOf(row) {
    const round = this.data.rounds[row];
    return Number.isNaN(round) ? "" : `queried in round ${round}`;
  }

  isOnFront(row) {
    const { x, y } = this;
    return this.front.some((i) => x.values[i] === x.values[row] && y.values[i] === y.values[row]);
  }

  /** How many others are at the same place. */
  equalTo(row) {
    const { x, y } = this;
    const equal = this.rows.filter((i) => x.values[i] === x.values[row] && y.values[i] === y.values[row]).length - 1;
    return equal > 0 ? `${counted(equal, "more network")} at this place` : "";
  }

  /** What is known of a network in words. */
  remarks(row) {
    const { data } = this;
    return [
      row === data.winner && "winner", row === data.knee && "suggested knee",
      data.members.includes(row) && "on the front of the search",
      this.isOnFront(row) && "on the Pareto front of these axes",
      this.roundOf(row), this.equalTo(row),
    ].filter(Boolean).join(", ");
  }

  /** The figures of a network as a list of terms. */
  figures(row) {
    const known = this.data.axes.filter((axis) => !Number.isNaN(axis.values[row]));
    return make("dl", {}, ...known.flatMap((axis) => [
      make("dt", {}, axis.title), make("dd", {}, written(axis, axis.values[row])),
    ]));
  }

  describe(row) {
    const remarks = this.remarks(row);
    return [make("code", {}, this.data.names[row]), ...(remarks ? [make("p", { class: "muted" }, remarks)] : []), this.figures(row)];
  }

  select(row) {
    this.selected = row;
    this.plot.fill("selected", row === null ? [] : [row]);
    if (row !== null) this.plot.reveal(row);
    element("empty").hidden = row !== null;
    element("selected").replaceChildren(...(row === null ? [] : this.describe(row)));
    this.markLeader();
  }

  say(text) {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => { element("said").textContent = text; }, 150);
  }

  saySelected(place) {
    const row = this.selected;
    const figures = [this.y, this.x].map((axis) => `${axis.title} ${written(axis, axis.values[row])}`);
    this.say([place, ...figures, this.remarks(row), this.data.names[row]].filter(Boolean).join(". "));
  }

  /** Selects another network of a list; `move` gives its position from the present one, or -1. */
  walk(list, move, name) {
    if (!list.length) return;
    const last = list.length - 1, next = Math.min(Math.max(move(list.indexOf(this.selected), last), 0), last);
    this.select(list[next]);
    this.saySelected(`${name}, ${next + 1} of ${list.length}`);
  }

  listen() {
    for (const name of ["x", "y"]) element(name).addEventListener("change", (event) => this.choose(name, event.target.value));
    element("limit").addEventListener("input", (event) => this.moveLimit(this.valueAt(Number(event.target.value))));
    element("number").addEventListener("change", (event) => {
      const value = event.target.valueAsNumber;
      this.moveLimit(Number.isFinite(value) ? value : this.limit);
    });
    element("leaders").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      this.select(Number(button.dataset.row));
      this.saySelected("");
    });
    element("leaders").addEventListener("keydown", (event) => this.moveFocus(event));
    element("plot").addEventListener("keydown", (event) => this.press(event));
    element("plot").addEventListener("pointerleave", () => this.hover(null));
    this.plot.plot.on_event("mousemove", (event) => this.hover(event));
    this.plot.plot.on_event("tap", (event) => {
      const row = this.plot.nearest(event.x, event.y, REACH);
      this.select(row);
      if (row !== null) this.saySelected("");
    });
    for (const [name, act] of Object.entries({ in: () => this.zoom(1.5), out: () => this.zoom(1 / 1.5), reset: () => this.plot.reset() })) {
      element(name).addEventListener("click", act);
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.plot.paint());
    addEventListener("beforeprint", () => this.print());
    addEventListener("afterprint", () => page.remove("printed"));
  }

  /** Puts the plot with its axes, limit and selection on paper, in place of the still picture. */
  print() {
    const { url, dark } = this.plot.picture();
    const image = make("img", { src: url, alt: "", class: dark ? "dark" : "light" });
    const chosen = this.selected === null ? "" : ` Selected: ${this.data.names[this.selected]}.`;
    const best = this.leaders.map((row) => this.data.names[row]).join(", ");
    const caption = `${element("plot").getAttribute("aria-label")} ${element("within").textContent} ${best}.${chosen}`;
    element("paper").replaceChildren(image, make("figcaption", {}, caption));
    page.add("printed");
  }

  /** Takes an axis; if it is the other one, the two change places. */
  choose(name, value) {
    const other = name === "x" ? "y" : "x", before = this[name];
    this[name] = this.axis(value);
    if (this[other] === this[name]) this[other] = before;
    this.show();
    this.say(element("plot").getAttribute("aria-label"));
  }

  moveLimit(value) {
    const within = this.limitTo(value);
    const best = this.leaders[0];
    this.say(within ? `${element("within").textContent} ${written(this.y, this.y.values[best])}, ${this.data.names[best]}` : element("within").textContent);
  }

  zoom(factor) {
    this.plot.zoom(factor, this.selected);
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const ahead = this.x.cost ? this.front : [...this.front].reverse();
    const acts = {
      ArrowRight: () => this.walk(ahead, (at) => at + 1, "Pareto front"),
      ArrowLeft: () => this.walk(ahead, (at, last) => (at < 0 ? last : at - 1), "Pareto front"),
      Home: () => this.walk(ahead, () => 0, "Pareto front"),
      End: () => this.walk(ahead, (at, last) => last, "Pareto front"),
      ArrowDown: () => this.walk(this.leaders, (at) => at + 1, "Best within the limit"),
      ArrowUp: () => this.walk(this.leaders, (at, last) => (at < 0 ? last : at - 1), "Best within the limit"),
      "+": () => this.zoom(1.5), "=": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5),
      0: () => this.plot.reset(),
      Escape: () => this.select(null),
    };
    if (!Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  }

  moveFocus(event) {
    const buttons = this.buttons(), at = buttons.indexOf(event.target);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    const button = buttons[Math.min(Math.max(next, 0), buttons.length - 1)];
    button.focus();
    button.click();
  }

  /** Shows what is below the pointer. */
  hover(event) {
    const tip = element("tip"), row = event && this.plot.nearest(event.x, event.y, REACH);
    tip.hidden = row === null;
    if (row === null) return;
    if (Number(tip.dataset.row) !== row || !tip.childNodes.length) {
      tip.dataset.row = row;
      tip.replaceChildren(...this.describe(row));
    }
    const box = element("plot").getBoundingClientRect();
    const right = event.sx + 18 + tip.offsetWidth > box.width;
    tip.style.left = `${Math.max(right ? event.sx - 18 - tip.offsetWidth : event.sx + 18, 0)}px`;
    tip.style.top = `${Math.max(Math.min(event.sy - tip.offsetHeight / 2, box.height - tip.offsetHeight), 0)}px`;
  }
}

const page = document.documentElement.classList;
page.add("explored");
try {
  await Explorer.start();
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("explorer painted")));
} catch (error) {
  page.remove("explored"); // the still picture stays
  throw error;
}
