// Colours come from the style sheet, so that light, dark and print have one home; canvases read them here.

const SERIES = {
  mainnet: {label: 'MainNet', color: '--c-mainnet', pointStyle: 'rect', glyph: '■'},
  curve: {label: 'One threshold for all', color: '--c-curve', pointStyle: 'circle', glyph: '●'},
  joint: {label: 'Jointly optimised', color: '--c-joint', pointStyle: 'triangle', glyph: '▲'},
  alone: {label: 'Always at one exit', color: '--c-alone', pointStyle: 'crossRot', glyph: '✕'},
  own: {label: 'The model’s own', color: '--c-own', pointStyle: 'rectRot', glyph: '◆'},
};
const CHOSEN = {label: 'Chosen', color: '--c-chosen', glyph: '◎'};

// Each of these stands out from white and from the dark ground by 3:1 (WCAG 1.4.11). Depth runs from blue to red.
const DEPTH = [[59, 130, 246], [13, 148, 136], [77, 148, 40], [176, 122, 20], [217, 92, 56], [190, 70, 150]];
const FINAL_COLOR = 'rgb(122 128 138)';

/** The colour of exit e; `final` is grey. */
function exitColor(e, exits) {
  if (e === exits - 1) return FINAL_COLOR;
  const at = exits > 2 ? e / (exits - 2) * (DEPTH.length - 1) : 0;
  const low = Math.min(Math.floor(at), DEPTH.length - 2);
  const mixed = DEPTH[low].map((c, i) => Math.round(c + (at - low) * (DEPTH[low + 1][i] - c)));
  return `rgb(${mixed.join(' ')})`;
}

const cssColor = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const allCharts = new Set();

/** Chart.js with what all charts here share. `colored(chart)` puts colours in; it runs again when they change. */
function makeChart(canvas, config, colored) {
  config.options = {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    ...config.options,
    plugins: {legend: {display: false}, ...config.options.plugins},
  };
  const chart = new Chart(canvas, config);
  chart.recolor = () => {
    for (const scale of Object.values(chart.options.scales)) {
      scale.grid.color = cssColor('--grid');
      scale.grid.borderColor = cssColor('--line');
      scale.ticks.color = scale.title.color = cssColor('--muted');
    }
    const tooltip = chart.options.plugins.tooltip;
    tooltip.backgroundColor = cssColor('--tip');
    tooltip.titleColor = tooltip.bodyColor = cssColor('--tip-text');
    colored(chart);
    chart.update();  // in mode 'none' bars would keep the colours that they share
  };
  allCharts.add(chart);
  chart.recolor();
  return chart;
}

function axis(title, more = {}) {
  const {ticks, grid, ...rest} = more;
  return {
    type: 'linear',
    title: {display: title !== '', text: title, font: {size: 12}},
    grid: {...grid},
    ticks: {font: {size: 12}, maxRotation: 0, ...ticks},
    ...rest,
  };
}

function watchTheme() {
  const recolorAll = () => allCharts.forEach((chart) => chart.recolor());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolorAll);
  // Paper is white whatever the screen is; a canvas keeps the colours that it was drawn in.
  const forPrint = (on) => {
    document.documentElement.classList.toggle('on-paper', on);
    allCharts.forEach((chart) => chart.resize());
    recolorAll();
  };
  addEventListener('beforeprint', () => forPrint(true));
  addEventListener('afterprint', () => forPrint(false));
}
