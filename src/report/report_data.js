// The report as typed arrays. What is missing or has another size gives one line that says so.

const SHUT = 2;
const LONGEST_LABEL = 60;  // characters that are shown

function decode(base64, Type, length, what) {
  const binary = atob(base64);
  const bytes = length * Type.BYTES_PER_ELEMENT;
  if (binary.length !== bytes) throw new Error(`rows.${what}: expected ${bytes} bytes, got ${binary.length}`);
  const out = new Uint8Array(bytes);
  for (let i = 0; i < bytes; ++i) out[i] = binary.charCodeAt(i);
  return new Type(out.buffer);  // little-endian, as every browser's machine is
}

/**
 * Rows, with the exits of a row side by side: most rows leave early, so that few of their bytes are read.
 *   confidence[i * exits + e]   u16, 65535 = 1
 *   outcome[i * exits + e]      bit 0: right, bit 1: the class that MainNet says
 */
function readRows(report) {
  const n = report.data.rows;
  const exits = report.exits.length;
  const {rows} = report;
  if (!Number.isInteger(n) || n < 1) throw new Error(`data.rows: expected at least one row, got ${n}`);
  for (const field of ['prediction', 'confidence']) {
    if (rows[field].length !== exits) {
      throw new Error(`rows.${field}: expected ${exits} exits, got ${rows[field].length}`);
    }
  }
  const label = decode(rows.label, Uint16Array, n, 'label');
  const weight = rows.weight ? decode(rows.weight, Float32Array, n, 'weight') : null;
  const predictions = rows.prediction.map((text, e) => decode(text, Uint16Array, n, `prediction[${e}]`));
  const last = predictions[exits - 1];
  const confidence = new Uint16Array(n * exits);
  const outcome = new Uint8Array(n * exits);
  for (let e = 0; e < exits; ++e) {
    const column = decode(rows.confidence[e], Uint16Array, n, `confidence[${e}]`);
    const prediction = predictions[e];
    for (let i = 0; i < n; ++i) {
      confidence[i * exits + e] = column[i];
      outcome[i * exits + e] = (prediction[i] === label[i] ? 1 : 0) | (prediction[i] === last[i] ? 2 : 0);
    }
  }
  return {n, exits, confidence, outcome, weight};
}

function shortened(text) {
  const characters = [...String(text)];
  return characters.length > LONGEST_LABEL ? characters.slice(0, LONGEST_LABEL - 1).join('') + '…' : characters.join('');
}

/** The same with every text as people see it. */
function shown(value) {
  if (typeof value === 'string') return visible(value);
  if (Array.isArray(value)) return value.map(shown);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shown(part)]));
}

function readReport() {
  const report = JSON.parse(byId('report').textContent);
  if (report.format !== 1) throw new Error(`format: expected 1, got ${report.format}`);
  if (!Array.isArray(report.exits) || report.exits.length === 0) throw new Error('exits: expected at least "final"');
  const own = report.exits.slice(0, -1).map((exit) => (isNumber(exit.threshold) ? exit.threshold : SHUT));
  const names = report.exits.map((exit) => exit.name);
  const toShow = shown({...report, rows: null});
  return {
    report: toShow,
    rows: readRows(report),
    names: toShow.exits.map((exit) => exit.name),
    given: {file: String(report.model.file), names},  // as the command takes them
    own,
    label: (index) => shortened(toShow.model.labels?.[index] ?? `class ${index}`),
  };
}

/** Rows by confidence of one exit, right and wrong; bins of equal width over 0 … 1. */
function confidenceHistogram(rows, exit, bins) {
  const right = new Array(bins).fill(0);
  const wrong = new Array(bins).fill(0);
  for (let at = exit; at < rows.confidence.length; at += rows.exits) {
    const bin = Math.min(bins - 1, Math.floor(rows.confidence[at] * bins / 65535));
    ++(rows.outcome[at] & 1 ? right : wrong)[bin];
  }
  return {right, wrong};
}
