/* Points of the explorer: reading them, the front of two axes, the best within a limit, words. */

const element = (id) => document.getElementById(`explorer-${id}`);

/** A node with a class, attributes and children. */
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

async function inflate(text) {
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

/** The page's data; values of the axes are float32, NaN where unknown. */
async function readPoints() {
  const data = JSON.parse(element("data").textContent);
  for (const axis of data.axes) axis.values = new Float32Array(bytes(axis.values).buffer);
  data.rounds = new Float32Array(bytes(data.rounds).buffer);
  data.names = await inflate(data.names);
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

/** Pareto front of the rows, best on x first; equal rows are all kept. */
function frontOf(x, y, rows) {
  const onX = better(x), onY = better(y);
  const sorted = [...rows].sort((i, j) => onX(i, j) || onY(i, j) || i - j);
  const front = [];
  for (const row of sorted) {
    const last = front.at(-1);
    if (last === undefined || onY(row, last) < 0 || (onY(row, last) === 0 && onX(row, last) === 0)) front.push(row);
  }
  return front;
}

/** Rows that keep a limit: at most it for a cost, at least it otherwise. */
function rowsWithin(x, limit, rows) {
  const bound = Math.fround(limit);
  return rows.filter((i) => (x.cost ? x.values[i] <= bound : x.values[i] >= bound));
}

/** The best rows on y; equal ones by x. */
function leadersOf(x, y, rows, count) {
  const onX = better(x), onY = better(y);
  return [...rows].sort((i, j) => onY(i, j) || onX(i, j) || i - j).slice(0, count);
}

/** Lowest, highest, and a bound below a fifth of the values. */
function extent(axis, rows) {
  const sorted = Float32Array.from(rows, (i) => axis.values[i]).sort();
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
