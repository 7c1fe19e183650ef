/* Points of the explorer: reading them, the front of two axes, the best within a limit, words. */

const element = (id) => document.getElementById(`explorer-${id}`);

/** A node with a class, attributes and children. */
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Bytes of zlib in base64. */
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** The page's data; values are NaN where unknown. */
async function readPoints() {
  const data = JSON.parse(element("data").textContent);
  const floats = async (text) => new Float64Array(await unpacked(text));
  const values = await Promise.all([data.rounds, ...data.axes.map((axis) => axis.values)].map(floats));
  data.rounds = values.shift();
  data.axes.forEach((axis, at) => { axis.values = values[at]; });
  data.names = JSON.parse(new TextDecoder().decode(await unpacked(data.names)));
  return data;
}

/** Rows with a value on both axes. */
function rowsOf(x, y) {
  const rows = [];
  for (let i = 0; i < x.values.length; i += 1) {
    if (!Number.isNaN(x.values[i]) && !Number.isNaN(y.values[i])) rows.push(i);
  }
  return rows;
}

/** Order of two rows on an axis, the better first. */
const better = (axis) => (i, j) => (axis.cost ? 1 : -1) * (axis.values[i] - axis.values[j]);

/** One row of each place, in the order of two axes: the winner, else a queried one, else the first. */
function placesOf(data, first, second, rows) {
  const onFirst = better(first), onSecond = better(second);
  const rank = (i) => (i === data.winner ? 0 : Number.isNaN(data.rounds[i]) ? 2 : 1);
  const sorted = [...rows].sort((i, j) => onFirst(i, j) || onSecond(i, j) || rank(i) - rank(j) || i - j);
  return sorted.filter((row, at) => at === 0 || onFirst(row, sorted[at - 1]) || onSecond(row, sorted[at - 1]));
}

/** Pareto front, best on x first, one row of each place. */
function frontOf(data, x, y, rows) {
  const onY = better(y), front = [];
  for (const row of placesOf(data, x, y, rows)) {
    if (!front.length || onY(row, front.at(-1)) < 0) front.push(row);
  }
  return front;
}

/** Rows that keep a limit: at most it for a cost, at least it otherwise. */
function rowsWithin(x, limit, rows) {
  return rows.filter((i) => (x.cost ? x.values[i] <= limit : x.values[i] >= limit));
}

/** The best places on y; equal ones by x. */
function leadersOf(data, x, y, rows) {
  return placesOf(data, y, x, rows).slice(0, data.leaders);
}

/** Lowest, highest, and a bound below a fifth of the values. */
function extent(axis, rows) {
  const sorted = Float64Array.from(rows, (i) => axis.values[i]).sort();
  return { least: sorted[0], most: sorted.at(-1), fifth: sorted[Math.floor(sorted.length / 5)] };
}

/** A value as text with its unit: percent with two digits, others with three or more. */
function written(axis, value) {
  if (Number.isNaN(value)) return "–";
  const size = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  const digits = axis.cost ? Math.min(Math.max(2 - size, 0), 6) : 2;
  return `${value.toFixed(digits)} ${axis.unit}`;
}

const labelOf = (axis) => `${axis.title} (${axis.unit})`;
const counted = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
