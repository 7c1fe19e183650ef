/* The plot: a Bokeh document whose sources, ranges and colours are set here. */

const INKS = ["text", "muted", "grid", "surface", "accent", "vermillion", "green"];
const ROOM = 0.04;

/** Scale of an axis: logarithmic for costs over a factor of three; whole and first range. */
function scaleOf(axis, rows) {
  const { least, most, fifth } = extent(axis, rows);
  const log = axis.cost && least > 0 && most / least > 3;
  const to = log ? Math.log : Number, from = log ? Math.exp : Number;
  const between = (low, high) => {
    const room = ROOM * (to(high) - to(low)) || (log ? 0.1 : Math.abs(high) / 10 || 1);
    return [from(to(low) - room), from(to(high) + room)];
  };
  return {
    log, to, from, least, most,
    whole: between(least, most),
    first: between(axis.cost || rows.length <= 100 ? least : fifth, most),
  };
}

/** Round values for a logarithmic axis, at most seven; none if there are fewer than three. */
function logTicks(low, high) {
  for (const steps of [[1, 1.5, 2, 3, 4, 5, 6, 8], [1, 2, 3, 5], [1, 2, 5], [1, 3], [1]]) {
    const ticks = [];
    for (let decade = Math.floor(Math.log10(low)); decade <= Math.log10(high); decade += 1) {
      ticks.push(...steps.map((step) => Number(`${step}e${decade}`)));
    }
    const inside = ticks.filter((tick) => low <= tick && tick <= high);
    if (inside.length <= 7) return inside.length < 3 ? [] : inside;
  }
  return [];
}

/** Elements inside of an element, and inside of their shadows, that Tab would stop at. */
function insides(root) {
  const all = [...root.querySelectorAll("*")];
  return [...all.filter((node) => node.tabIndex >= 0), ...all.flatMap((node) => (node.shadowRoot ? insides(node.shadowRoot) : []))];
}

class ParetoPlot {
  /** Draws into the element that the document names. */
  static async embed(data) {
    await Bokeh.embed.embed_item(JSON.parse(element("document").textContent));
    for (const stop of insides(element("plot"))) stop.tabIndex = -1; // the element itself is the stop
    return new ParetoPlot(Bokeh.documents.at(-1), data);
  }

  constructor(document_, data) {
    this.data = data;
    this.named = (name) => document_.get_model_by_name(name);
    this.plot = this.named("plot");
    const { left, right } = this.named("beyond");
    this.edges = { left, right };
    this.marks = new Map(data.marks.flatMap((mark) => mark.rounds.map((round) => [round, mark])));
    if (matchMedia("(hover: hover)").matches) this.plot.toolbar.active_drag = this.named("zoom");
    this.plot.on_event("doubletap", () => this.reset());
    for (const [name, range] of this.ranges()) range.change.connect(() => this.tick(name));
  }

  /** Shows all points of two axes and their front; the pointer finds one row of each place. */
  show(x, y, rows, front, places) {
    Object.assign(this, { x, y, rows, places });
    this.scales = { x: scaleOf(x, rows), y: scaleOf(y, rows) };
    for (const [side, name, axis] of [["below", "x", x], ["left", "y", y]]) {
      const { log } = this.scales[name];
      this.plot[`${name}_scale`] = new (Bokeh.Models.get(log ? "LogScale" : "LinearScale"))();
      this.named(side).axis_label = labelOf(axis);
    }
    this.reset();
    const only = (indices) => rows.filter((i) => indices.includes(i));
    this.fill("space", rows);
    this.fill("front", front);
    this.fill("queried", rows.filter((i) => this.marks.has(this.data.rounds[i])));
    this.fill("members", only(this.data.members));
    this.fill("knee", only([this.data.knee]));
    this.fill("winner", only([this.data.winner]));
    this.paint();
  }

  /** Puts rows into a source. */
  fill(name, rows) {
    const data = {
      x: Float64Array.from(rows, (i) => this.x.values[i]),
      y: Float64Array.from(rows, (i) => this.y.values[i]),
    };
    if (name === "queried") {
      const marks = rows.map((i) => this.marks.get(this.data.rounds[i]));
      data.shape = marks.map((mark) => mark.shape);
      data.colour = marks.map((mark) => this.ink(mark.colour));
    }
    this.named(`${name} source`).data = data;
  }

  /** Moves the limit: a line, and a veil over the points beyond it. */
  limit(value) {
    this.named("limit").location = value;
    const { left, right } = this.edges;
    this.named("beyond").setv(this.x.cost ? { left: value, right } : { left, right: value });
  }

  ink(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  /** Takes the colours of the page's theme. */
  paint() {
    this.dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const ink = Object.fromEntries(INKS.map((name) => [name, this.ink(name)]));
    for (const side of ["below", "left"]) {
      Object.assign(this.named(side), {
        axis_line_color: ink.text, major_tick_line_color: ink.text,
        axis_label_text_color: ink.text, major_label_text_color: ink.text,
      });
      this.named(`grid ${side}`).grid_line_color = ink.grid;
    }
    const glyph = (name, colours) => {
      for (const [part, colour] of Object.entries(colours)) this.named(name).glyph[`${part}_color`] = { value: colour };
    };
    glyph("space", { fill: ink.muted });
    glyph("front", { line: ink.text });
    glyph("queried", { line: ink.surface });
    glyph("members", { line: ink.text });
    glyph("leaders", { line: ink.accent });
    glyph("knee", { fill: ink.green, line: ink.surface });
    glyph("winner", { fill: ink.vermillion, line: ink.surface });
    glyph("selected", { line: ink.vermillion });
    this.named("limit").line_color = ink.text;
    this.named("beyond").fill_color = ink.surface;
    this.fill("queried", this.rows.filter((i) => this.marks.has(this.data.rounds[i])));
  }

  /** The plot as it stands, as an image, and whether its colours are those of the dark theme. */
  picture() {
    return { url: Bokeh.index.get_one(this.plot).export("png").canvas.toDataURL(), dark: this.dark };
  }

  ranges() {
    return [["x", this.plot.x_range], ["y", this.plot.y_range]];
  }

  reset() {
    for (const [name, range] of this.ranges()) {
      const [start, end] = this.scales[name].first;
      range.setv({ start, end });
      this.tick(name);
    }
  }

  /** Ticks of the present range of an axis. */
  tick(name) {
    const { start, end } = this.plot[`${name}_range`];
    const ticks = this.scales[name].log ? logTicks(start, end) : [];
    const kind = Bokeh.Models.get(ticks.length ? "FixedTicker" : "BasicTicker");
    this.named(name === "x" ? "below" : "left").ticker = new kind(ticks.length ? { ticks } : {});
  }

  /** Zooms by a factor around a row, or around the centre. */
  zoom(factor, row = null) {
    for (const [name, range] of this.ranges()) {
      const { to, from } = this.scales[name];
      const [start, end] = [to(range.start), to(range.end)];
      const centre = row === null ? (start + end) / 2 : to(this[name].values[row]);
      range.setv({ start: from(centre + (start - centre) / factor), end: from(centre + (end - centre) / factor) });
    }
  }

  /** Moves the ranges so that a row is inside of them. */
  reveal(row) {
    for (const [name, range] of this.ranges()) {
      const { to, from } = this.scales[name];
      const [start, end] = [to(range.start), to(range.end)];
      const at = to(this[name].values[row]), room = ROOM * (end - start);
      const move = Math.min(at - room - start, 0) || Math.max(at + room - end, 0);
      if (move) range.setv({ start: from(start + move), end: from(end + move) });
    }
  }

  /** Row nearest to a place in data units, if at most some pixels away. */
  nearest(x, y, reach) {
    const scaled = this.ranges().map(([name, range]) => {
      const { to } = this.scales[name];
      const size = name === "x" ? this.plot.inner_width : this.plot.inner_height;
      const factor = size / (to(range.end) - to(range.start));
      return (value) => factor * to(value);
    });
    const [across, upward] = scaled;
    const px = across(x), py = upward(y);
    let found = null, least = reach;
    for (const row of this.places) {
      const away = Math.hypot(across(this.x.values[row]) - px, upward(this.y.values[row]) - py);
      if (away < least) [found, least] = [row, away];
    }
    return found;
  }
}
