// What thresholds do: one pass over the rows, and the points that the sweep knows.

const ECE_BINS = 15;
const BIN_WIDTH = 65535 / ECE_BINS;  // 4369 exactly: bin m holds ((m - 1) / 15, m / 15]

/**
 * Cost of a row that leaves at exit e, as a ratio to MainNet alone and in ms: the segments up to its tap, and the heads
 * of all open exits met. Shut exits cost nothing.
 */
function rowCosts(exits, thresholds) {
  let compute = 0, ms = 0;
  return exits.map((exit, e) => {
    compute += exit.segment_compute;
    ms += exit.segment_ms;
    if (e < thresholds.length && !(thresholds[e] > 1)) {
      compute += exit.head_compute;
      ms += exit.head_ms;
    }
    return {compute, ms};
  });
}

/**
 * A row leaves at the first exit whose threshold is at most its confidence there, otherwise at `final`. A text's cost
 * scales with its weight. By exit: rows that it answers, how many of them it and MainNet get right, and its ECE there
 * (Guo et al., arXiv 1706.04599, equation 3).
 */
function evaluate(model, thresholds) {
  const {n, exits, confidence, outcome, weight} = model.rows;
  const last = exits - 1;
  // Confidences are rounded to 1/65535, and so is what they are compared with; 65536 is never reached.
  const limit = new Uint32Array(exits);
  for (let e = 0; e < last; ++e) limit[e] = thresholds[e] > 1 ? 65536 : Math.round(65535 * Math.max(0, thresholds[e]));
  const leaves = new Uint32Array(exits), right = new Uint32Array(exits), mainnetRight = new Uint32Array(exits);
  const weights = new Float64Array(exits);
  const binRight = new Uint32Array(exits * ECE_BINS), binSure = new Float64Array(exits * ECE_BINS);
  let agreeing = 0;
  for (let i = 0, at = 0; i < n; ++i, at += exits) {
    let e = 0;
    while (confidence[at + e] < limit[e]) ++e;
    const said = outcome[at + e], sure = confidence[at + e];
    const bin = e * ECE_BINS + (sure === 0 ? 0 : Math.ceil(sure / BIN_WIDTH) - 1);
    ++leaves[e];
    right[e] += said & 1;
    mainnetRight[e] += outcome[at + last] & 1;
    agreeing += said >> 1;
    weights[e] += weight === null ? 1 : weight[i];
    binRight[bin] += said & 1;
    binSure[bin] += sure;
  }
  const figures = {accuracy: 0, agreement: agreeing / n, compute: 0, ms: 0, exits: []};
  const costs = rowCosts(model.report.exits, thresholds);
  let allWeights = 0;
  for (let e = 0; e < exits; ++e) {
    let gap = 0;
    for (let b = e * ECE_BINS; b < (e + 1) * ECE_BINS; ++b) gap += Math.abs(binRight[b] - binSure[b] / 65535);
    figures.exits.push({
      rows: leaves[e],
      share: leaves[e] / n,
      accuracy: leaves[e] ? right[e] / leaves[e] : null,
      mainnetAccuracy: leaves[e] ? mainnetRight[e] / leaves[e] : null,
      ece: leaves[e] ? gap / leaves[e] : null,
      cost: costs[e],
    });
    figures.accuracy += right[e] / n;
    figures.compute += weights[e] * costs[e].compute;
    figures.ms += weights[e] * costs[e].ms;
    allWeights += weights[e];
  }
  figures.compute /= allWeights;
  figures.ms /= allWeights;
  return figures;
}

const sameThreshold = (a, b) => a === b || (a > 1 && b > 1);
const sameThresholds = (a, b) => a.length === b.length && a.every((t, e) => sameThreshold(t, b[e]));

const nameOfUniform = (t) => (t > 1 ? 'all exits shut' : `all exits at ${thresholdShort(t)}`);

/** All points that the sweep knows, by kind: {kind, name, thresholds, accuracy, agreement, compute, ms}. */
function knownPoints(model) {
  const {report, own, names} = model;
  const last = names.length - 1;
  const all = (t) => new Array(last).fill(t);
  const points = [{kind: 'mainnet', name: 'MainNet', thresholds: all(SHUT), agreement: 1, compute: 1, ...report.mainnet}];
  if (last === 0) return points;
  const take = (kind, name, thresholds, p) => points.push(
      {kind, name, thresholds, accuracy: p.accuracy, agreement: p.agreement, compute: p.compute, ms: p.ms});
  for (const p of report.curve ?? []) take('curve', nameOfUniform(p.threshold), all(p.threshold), p);
  for (const p of report.joint ?? []) take('joint', 'jointly optimised', p.thresholds, p);
  for (let e = 0; e < last; ++e) {
    const thresholds = all(SHUT);
    thresholds[e] = 0;
    take('alone', `always at ${isolated(names[e])}`, thresholds, evaluate(model, thresholds));
  }
  take('own', 'the model’s own thresholds', own, report.current ?? evaluate(model, own));
  return points;
}

/** The cheapest point by `cost` ("compute" or "ms") that loses at most `points` points; MainNet loses none. */
function cheapestPoint(points, mainnetAccuracy, lost, cost) {
  const slack = 1e-9;
  const fits = points.filter((p) => isNumber(p[cost]) && 100 * (mainnetAccuracy - p.accuracy) <= lost + slack);
  return fits.reduce((best, p) => (p[cost] < best[cost] ? p : best), fits[0]);
}

/** What a person would call these thresholds. */
function nameOfThresholds(model, thresholds) {
  const open = thresholds.findIndex((t) => !(t > 1));
  if (thresholds.length === 0) return 'MainNet';
  if (sameThresholds(thresholds, model.own)) return 'the model’s own thresholds';
  if (open < 0) return 'MainNet only';
  if (thresholds.every((t) => t === thresholds[0])) return nameOfUniform(thresholds[0]);
  if (thresholds[open] === 0) return `always answer at ${isolated(model.names[open])}`;
  return 'a threshold for each exit';
}
