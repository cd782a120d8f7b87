// By exit: reliability before and after calibration, and confidence of right and wrong answers.

const HISTOGRAM_BINS = 25;

/** Reliability bins [rows, mean confidence, accuracy] with rows in them, as points. */
function reliabilityPoints(bins) {
  const filled = (bins ?? []).filter(([n, sure, right]) => n > 0 && isNumber(sure) && isNumber(right));
  const most = Math.max(1, ...filled.map(([n]) => n));
  return {
    data: filled.map(([n, sure, right]) => ({x: sure, y: right, n})),
    radius: filled.map(([n]) => 2.5 + 4.5 * Math.sqrt(n / most)),
  };
}

const unitAxis = (title, more) => axis(title, {min: 0, max: 1, ticks: {stepSize: 0.2}, ...more});

function reliabilityChart(canvas, exit) {
  const before = reliabilityPoints(exit.bins_uncalibrated);
  const after = reliabilityPoints(exit.bins);
  const series = (label, points, pointStyle, borderDash) => ({
    label, data: points.data, pointRadius: points.radius, pointHoverRadius: points.radius, pointStyle, borderDash,
    showLine: true, borderWidth: 2, clip: 8,
  });
  return makeChart(canvas, {
    type: 'scatter',
    data: {
      datasets: [
        series('After', after, 'circle', []),
        series('Before', before, 'triangle', [4, 3]),
        {label: 'Diagonal', data: [{x: 0, y: 0}, {x: 1, y: 1}], showLine: true, pointRadius: 0, pointHitRadius: 0,
         borderWidth: 1, borderDash: [6, 5]},
      ],
    },
    options: {
      scales: {x: unitAxis('Confidence'), y: unitAxis('Share right')},
      plugins: {
        tooltip: {
          displayColors: false,
          callbacks: {
            label: ({dataset, raw}) =>
              `${dataset.label}: sure ${percent(raw.x)}, right ${percent(raw.y)}, ${plural(raw.n, 'row')}`,
          },
        },
      },
    },
  }, ({data: {datasets}}) => {
    ['--c-curve', '--c-alone', '--muted'].forEach((name, i) => {
      datasets[i].borderColor = datasets[i].backgroundColor = cssColor(name);
    });
  });
}

const thresholdLine = (threshold) => ({
  id: 'threshold',
  afterDatasetsDraw({ctx, chartArea: {left, right, top, bottom}}) {
    const t = threshold();
    if (t === null || t > 1) return;
    ctx.save();
    for (const [width, color] of [[5, '--card'], [2.5, '--c-chosen']]) {
      ctx.beginPath();
      ctx.lineWidth = width;
      ctx.strokeStyle = cssColor(color);
      const x = left + t * (right - left);
      ctx.moveTo(x, top);
      ctx.lineTo(x, bottom);
      ctx.stroke();
    }
    ctx.restore();
  },
});

const binRange = (bin) => `${(bin / HISTOGRAM_BINS).toFixed(2)}–${((bin + 1) / HISTOGRAM_BINS).toFixed(2)}`;

/** Right answers upwards, wrong ones downwards, each in % of its own rows: few wrong ones would not be seen in counts. */
function histogramChart(canvas, {right, wrong}, threshold) {
  const bars = (label, rows, sign) => {
    const all = Math.max(1, rows.reduce((sum, n) => sum + n, 0));
    const data = rows.map((n) => sign * 100 * n / all);
    return {label, rows, data, stack: 'rows', barPercentage: 1, categoryPercentage: 0.9};
  };
  return makeChart(canvas, {
    type: 'bar',
    data: {labels: right.map((_, bin) => binRange(bin)), datasets: [bars('Right', right, 1), bars('Wrong', wrong, -1)]},
    options: {
      scales: {
        // Bars stand on hidden categories; the shown axis is the same width, 0 … 1.
        bins: {axis: 'x', type: 'category', display: false, stacked: true, grid: {}, ticks: {}, title: {}},
        shown: unitAxis('Confidence', {axis: 'x', offset: false, grid: {display: false, offset: false}}),
        y: axis('% of wrong, of right', {stacked: true, ticks: {maxTicksLimit: 7, callback: (v) => Math.abs(v)}}),
      },
      datasets: {bar: {xAxisID: 'bins'}},
      interaction: {mode: 'index', intersect: false},
      plugins: {
        tooltip: {
          callbacks: {
            title: ([item]) => `Confidence ${item.label}`,
            label: ({dataset, dataIndex, raw}) =>
              ` ${dataset.label}: ${plural(dataset.rows[dataIndex], 'row')}, ${fixed(Math.abs(raw), 1)}\u00a0% of them`,
          },
        },
      },
    },
    plugins: [thresholdLine(threshold)],
  }, ({data: {datasets}}) => {
    ['--c-curve', '--c-alone'].forEach((name, i) => { datasets[i].backgroundColor = cssColor(name); });
  });
}

function exitFigures(exit, histogram) {
  const cells = ([n, sure, right]) => [count(n), percent(sure), percent(right)];
  const empty = [0, null, null];
  const size = Math.max(exit.bins?.length ?? 0, exit.bins_uncalibrated?.length ?? 0);
  const reliability = Array.from({length: size}, (_, m) => [
    `${(m / size).toFixed(2)}–${((m + 1) / size).toFixed(2)}`,
    ...cells(exit.bins_uncalibrated?.[m] ?? empty), ...cells(exit.bins?.[m] ?? empty),
  ]);
  return [
    table(`${isolated(exit.name)}: reliability before and after calibration`,
          ['Confidence', 'Rows before', 'Sure', 'Right', 'Rows after', 'Sure', 'Right'], reliability),
    table(`${isolated(exit.name)}: rows by confidence after calibration`, ['Confidence', 'Right', 'Wrong'],
          histogram.right.map((n, bin) => [binRange(bin), count(n), count(histogram.wrong[bin])])),
  ];
}

/** Whether in view; charts are made when they first are, and only those in view are drawn again. */
function exitCard(model, exit, e, threshold) {
  const histogram = confidenceHistogram(model.rows, e, HISTOGRAM_BINS);
  const canvas = (label) => el('canvas', {role: 'img', 'aria-label': label});
  const first = canvas(`Reliability diagram of ${exit.name}; its figures are in the table below`);
  const second = canvas(`Histogram of confidence of ${exit.name}; its figures are in the table below`);
  const details = el('details', {}, el('summary', {}, 'These two charts as tables'));
  details.addEventListener('toggle', () => {
    if (details.childElementCount === 1) details.append(...exitFigures(exit, histogram));
  });
  const key = (color, glyph, text) => {
    const mark = el('span', {'aria-hidden': 'true', class: 'glyph'}, glyph);
    mark.style.color = `var(${color})`;
    return el('li', {}, mark, text);
  };
  const figure = (drawing, ...keys) => el(
      'div', {}, el('div', {class: 'chart small-chart'}, drawing), el('ul', {class: 'legend'}, ...keys));
  const element = el(
      'article', {class: 'card'}, el('h3', {}, pathName(exit.name)),
      el('div', {class: 'pair'},
         figure(first, key('--c-curve', '●', `After: ECE ${percent(exit.all?.ece)}`),
                key('--c-alone', '▲', `Before: ECE ${percent(exit.all?.ece_uncalibrated)}`)),
         figure(second, key('--c-curve', '■', 'Right'), key('--c-alone', '■', 'Wrong'),
                ...(e < model.own.length ? [key('--c-chosen', '┃', 'Threshold')] : []))),
      details);
  const card = {element, inView: false, charts: null};
  card.show = () => { card.charts ??= [reliabilityChart(first, exit), histogramChart(second, histogram, threshold)]; };
  card.redraw = () => card.charts?.[1].draw();
  return card;
}

/** thresholdOf(e): the chosen one, or null at `final`. Returns {redraw}. */
function exitCharts(model, thresholdOf) {
  const cards = model.report.exits.map((exit, e) => exitCard(model, exit, e, () => thresholdOf(e)));
  byId('exit-charts').replaceChildren(...cards.map((card) => card.element));
  const byElement = new Map(cards.map((card) => [card.element, card]));
  const observer = new IntersectionObserver((entries) => {
    for (const {target, isIntersecting} of entries) {
      const card = byElement.get(target);
      card.inView = isIntersecting;
      if (!isIntersecting) continue;
      card.show();
      card.redraw();
    }
  }, {rootMargin: '400px'});
  cards.forEach((card) => observer.observe(card.element));
  addEventListener('beforeprint', () => cards.forEach((card) => card.show()));
  return {redraw: () => cards.forEach((card) => card.inView && card.redraw())};
}
