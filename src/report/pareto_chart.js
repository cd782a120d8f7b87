// Accuracy against compute or time: all points that the sweep knows, and the chosen one.

const X_AXES = {
  compute: {name: 'compute', title: 'Compute of a row, % of MainNet alone', value: (p) => 100 * p.compute},
  ms: {name: 'time', title: 'Mean time of a row, ms', value: (p) => p.ms},
};
const NEAR_POINTS = 5;

const KIND_ORDER = ['alone', 'curve', 'joint', 'mainnet', 'own'];

/** The begin and the end of a name that is longer than so many characters. */
function middleOut(name, longest) {
  const characters = [...name];
  if (characters.length <= longest) return name;
  const end = Math.ceil(longest / 2);
  return characters.slice(0, longest - 1 - end).join('') + '…' + characters.slice(-end).join('');
}

function describePoint(model, p) {
  const {accuracy, ms} = model.report.mainnet;
  const open = p.thresholds.map((t, e) => `${isolated(middleOut(model.names[e], 28))}=${thresholdShort(t)}`);
  const lines = [
    `Accuracy ${percent(p.accuracy, 2)}: ${pointsAgainst(accuracy - p.accuracy)} MainNet`,
    `Compute ${percent(p.compute)} of MainNet`,
    `Time ${milliseconds(p.ms)}; MainNet ${milliseconds(ms)}`,
    `Same answer as MainNet: ${percent(p.agreement)}`,
  ];
  if (p.kind === 'joint' || p.kind === 'own') {
    for (const part of open) lines.push(part);
  }
  return lines;
}

/** The chosen point: a ring with a dot, drawn over the rest, so that moving it lays nothing out again. */
const chosenPlugin = (axisName, chosen) => ({
  id: 'chosen',
  afterDatasetsDraw(chart) {
    const figures = chosen();
    if (!figures) return;
    const {left, right, top, bottom} = chart.chartArea;
    const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
    const x = clamp(chart.scales.x.getPixelForValue(X_AXES[axisName()].value(figures)), left, right);
    const y = clamp(chart.scales.y.getPixelForValue(100 * figures.accuracy), top, bottom);
    const {ctx} = chart;
    ctx.save();
    const circle = (radius, width, color) => {
      ctx.beginPath();
      ctx.arc(x, y, radius, 0, 2 * Math.PI);
      ctx.lineWidth = width;
      ctx.strokeStyle = color;
      ctx.stroke();
    };
    circle(10, 6, cssColor('--card'));
    circle(10, 3, cssColor(CHOSEN.color));
    ctx.restore();
  },
});

function paretoDatasets(points) {
  return KIND_ORDER.map((kind) => {
    const line = kind === 'curve' || kind === 'joint';
    return {
      kind,
      points: points.filter((p) => p.kind === kind),
      showLine: line,
      borderWidth: kind === 'alone' ? 2 : 1.5,
      pointStyle: SERIES[kind].pointStyle,
      pointRadius: {curve: 2.5, joint: 3.5, alone: 5, mainnet: 6, own: 8}[kind],
      pointHoverRadius: 8,
      pointHitRadius: 10,
    };
  });
}

/**
 * onPick(point) when one is clicked. `chosen()` gives the figures of the chosen point.
 * Returns {redraw, setAxis, setRange}.
 */
function paretoChart(model, points, chosen, onPick) {
  let axisName = 'compute', near = false;
  const canvas = byId('pareto');
  const datasets = paretoDatasets(points);
  // An element has `index`, a tooltip's item `dataIndex`.
  const pointAt = (item) => datasets[item.datasetIndex].points[item.index ?? item.dataIndex];
  const chart = makeChart(canvas, {
    type: 'scatter',
    data: {datasets},
    options: {
      scales: {x: axis('', {ticks: {includeBounds: false}}), y: axis('Accuracy, %', {ticks: {includeBounds: false}})},
      layout: {padding: {top: 12, right: 14}},
      interaction: {mode: 'nearest', intersect: true},
      plugins: {
        tooltip: {
          filter: (item, i) => i === 0,  // of points that lie on one another, the uppermost
          itemSort: (a, b) => b.datasetIndex - a.datasetIndex,
          displayColors: false,
          padding: 10,
          callbacks: {
            title: ([item]) => item && capital(pointAt(item).name),
            label: (item) => describePoint(model, pointAt(item)),
          },
        },
      },
      onHover: (event, items) => { canvas.style.cursor = items.length ? 'pointer' : ''; },
      onClick: (event, items) => {
        if (items.length) onPick(pointAt(items.reduce((a, b) => (b.datasetIndex > a.datasetIndex ? b : a))));
      },
    },
    plugins: [chosenPlugin(() => axisName, chosen)],
  }, ({data}) => {
    for (const set of data.datasets) {
      const color = cssColor(SERIES[set.kind].color);
      Object.assign(set, {borderColor: color, backgroundColor: color});
    }
  });

  function layOut() {
    const {title, value} = X_AXES[axisName];
    for (const set of datasets) {
      const sorted = set.showLine ? [...set.points].sort((a, b) => value(a) - value(b)) : set.points;
      set.points = sorted;
      set.data = sorted.map((p) => ({x: value(p), y: 100 * p.accuracy}));
    }
    const {x, y} = chart.options.scales;
    const top = 100 * Math.max(...points.map((p) => p.accuracy));
    const mainnet = 100 * model.report.mainnet.accuracy;
    x.title.display = true;
    x.title.text = title;
    x.min = 0;
    x.max = 1.04 * Math.max(...points.map(value).filter(isNumber));
    y.min = near ? Math.max(0, mainnet - NEAR_POINTS) : undefined;
    y.max = near ? Math.min(100, Math.max(top, mainnet) + 0.5) : undefined;
    // One point alone would give an axis without extent.
    y.suggestedMin = Math.max(0, mainnet - 2);
    y.suggestedMax = Math.min(100, mainnet + 1);
    canvas.setAttribute(
        'aria-label', `Chart: accuracy against ${X_AXES[axisName].name} of ${plural(points.length, 'operating point')}. ` +
            'The table below the chart holds the same points.');
    chart.update('none');
  }
  layOut();

  let inView = false;
  new IntersectionObserver(([entry]) => {
    inView = entry.isIntersecting;
    if (inView) chart.draw();
  }).observe(canvas);
  return {
    redraw: () => inView && chart.draw(),
    setAxis: (name) => { axisName = name; layOut(); },
    setRange: (range) => { near = range === 'near'; layOut(); },
  };
}

function paretoLegend(points) {
  const kinds = ['mainnet', 'curve', 'joint', 'own', 'alone'].filter((kind) => points.some((p) => p.kind === kind));
  const glyph = (series) => {
    const mark = el('span', {'aria-hidden': 'true', class: 'glyph'}, series.glyph);
    mark.style.color = `var(${series.color})`;
    return el('li', {}, mark, series.label);
  };
  byId('legend').replaceChildren(glyph(CHOSEN), ...kinds.map((kind) => glyph(SERIES[kind])));
}

/** The text alternative of the chart, made when it is opened: the same points, each with a button. */
function pointsTable(model, points, onPick) {
  const order = [...points].sort((a, b) => a.compute - b.compute);
  const use = (p) => {
    const label = `Use ${p.name}, ${percent(p.compute)} of the compute`;
    const button = el('button', {type: 'button', 'aria-label': label}, 'Use');
    button.addEventListener('click', () => onPick(p));
    return button;
  };
  return table(
      'Operating points that the sweep knows, cheapest first',
      ['Point', 'Accuracy', 'Lost', 'Compute', 'Time', 'Agreement', ''],
      order.map((p) => [
        bdi(capital(p.name)), percent(p.accuracy, 2), withMinus(fixed(100 * (model.report.mainnet.accuracy - p.accuracy), 2)),
        percent(p.compute), milliseconds(p.ms), percent(p.agreement), use(p),
      ]));
}
