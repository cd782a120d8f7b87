// The page: one state, the chosen thresholds; everything shown follows from it, once a frame.

/** Whether anything has shown that the network is wired as its weights were trained; empty where nothing is known. */
function assumedOf({assumptions = [], checked = null}) {
  if (checked) return `MainNet’s logits are PyTorch’s: compared on ${plural(checked.rows, 'row')}.`;
  const assumed = assumptions.filter((each) => each.source === 'default').map((each) => `${each.what} ${each.value}`);
  return assumed.length === 0 ? '' : `Never compared with PyTorch. Taken for granted: ${assumed.join(', ')}.`;
}

function describeOrigin({report}) {
  const {model, data, machine} = report;
  document.title = `SideNet sweep: ${model.file}`;
  byId('title').replaceChildren(bdi(model.file));
  const sidenets = report.exits.length > 1 ? plural(report.exits.length - 1, 'SideNet') : 'no SideNets';
  const rows = plural(data.rows, data.kind === 'texts' ? 'text' : 'image');
  const {threads = 1, batch = 1, precision = 'f32'} = machine ?? {};
  byId('origin').replaceChildren(
      bdi(model.architecture), `, ${sidenets}, measured on ${rows} of `, bdi(data.name),
      `; ${plural(threads, 'thread')}, batch ${batch}, ${precision}.`);
  setText(byId('assumed'), assumedOf(model));
  byId('made').replaceChildren('Made by ', el('code', {dir: 'ltr'}, String(report.command ?? 'sidenet sweep')));
}

/** Returns update(figures): headline, tiles and the line that stays in sight beside the sliders. */
function summary({report}) {
  const tile = (label) => {
    const value = el('data', {class: 'value'});
    const more = el('span', {class: 'muted small'});
    return {value, more, element: el('div', {class: 'tile'}, el('dt', {}, label), el('dd', {}, value, more))};
  };
  const accuracy = tile('Accuracy'), lost = tile('Points lost'), compute = tile('Compute saved');
  const duration = tile('Time saved'), agreement = tile('Agreement');
  byId('tiles').replaceChildren(...[accuracy, lost, compute, duration, agreement].map((t) => t.element));
  const {mainnet} = report;
  const show = (t, value, text, more) => {
    setData(t.value, value, text);
    setText(t.more, more);
  };
  return (figures, certified) => {
    const behind = mainnet.accuracy - figures.accuracy;
    const saved = 1 - figures.compute;
    const timeSaved = isNumber(mainnet.ms) ? 1 - figures.ms / mainnet.ms : null;
    show(accuracy, figures.accuracy, percent(figures.accuracy, 2), `MainNet ${percent(mainnet.accuracy, 2)}`);
    show(lost, 100 * behind, withMinus(fixed(100 * behind, 2)), 'against MainNet');
    show(compute, saved, withMinus(percent(saved)), `${percent(figures.compute)} of MainNet’s`);
    show(duration, timeSaved, withMinus(percent(timeSaved)),
         `${milliseconds(figures.ms)} of ${milliseconds(mainnet.ms)}`);
    show(agreement, figures.agreement, percent(figures.agreement), 'same as MainNet');
    const time = timeSaved === null ? '' : ` and ${lessOrMore(timeSaved)} time`;
    const headline = `${percent(figures.accuracy)} of ${count(report.data.rows)} rows are answered right, ` +
        `${pointsAgainst(behind)} MainNet’s ${percent(mainnet.accuracy)}, with ${lessOrMore(saved)} compute${time}. ` +
        `${percent(figures.agreement)} of the answers are the ones that MainNet gives.`;
    setText(byId('headline'), headline);
    const live = [`${percent(figures.accuracy, 2)} right`, pointsLost(behind), `${lessOrMore(saved)} compute`];
    if (certified === false) live.push('not certified');
    setText(byId('live'), live.join(' · '));
    return headline;
  };
}

/** Readers of the page hear the headline when a slider rests, not at every step. */
function announcer() {
  let timer = 0;
  return (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => setText(byId('announcement'), text), 800);
  };
}

const onChoice = (name, use) => document.querySelectorAll(`input[name=${name}]`).forEach(
    (input) => input.addEventListener('change', () => use(input.value)));

function start() {
  const model = readReport();
  const exits = model.own.length;
  const points = knownPoints(model);
  let thresholds = thresholdsInHash(exits) ?? model.own;
  let figures = evaluate(model, thresholds);
  let axisName = 'compute', frame = 0;

  describeOrigin(model);
  byId('main').hidden = byId('footer').hidden = false;
  const writeHash = hashWriter();
  const announce = announcer();
  const set = (next) => {
    thresholds = next.map((t) => (t > 1 ? SHUT : t));
    writeHash(thresholds);
    frame ||= requestAnimationFrame(render);
  };
  const pick = (point) => set(point.thresholds);

  const pareto = paretoChart(model, points, () => figures, pick);
  const charts = exitCharts(model, (e) => (e < exits ? thresholds[e] : null));
  const show = {
    summary: summary(model), certificate: certificate(model), shares: sharesBar(model), answered: answeredTable(model),
    controls: controls(model, () => thresholds, set), examples: examples(model),
  };
  function render() {
    frame = 0;
    figures = evaluate(model, thresholds);
    announce(show.summary(figures, show.certificate(thresholds)));
    setText(byId('chosen-name'), nameOfThresholds(model, thresholds));
    setText(byId('command'), commandLine(model, thresholds));
    show.controls(thresholds, figures);
    show.shares(figures);
    show.answered(figures, thresholds);
    show.examples(thresholds);
    pareto.redraw();
    charts.redraw();
  }

  paretoLegend(points);
  overthinkingTable(model);
  aloneTable(model, 'all');
  copyButton();
  targetForm(model, points, () => axisName, pick);
  onChoice('axis', (name) => {
    axisName = name;
    setText(byId('axis-name'), X_AXES[name].name);
    pareto.setAxis(name);
  });
  onChoice('range', pareto.setRange);
  onChoice('scope', (scope) => aloneTable(model, scope));
  byId('points').addEventListener('toggle', () => {
    const holder = byId('points-table');
    if (!holder.childElementCount) holder.replaceChildren(pointsTable(model, points, pick));
  });
  byId('skip').addEventListener('click', (event) => {  // its own address would replace the thresholds
    event.preventDefault();
    byId('main').focus();
  });
  addEventListener('hashchange', () => {
    const given = thresholdsInHash(exits);
    if (given && !sameThresholds(given, thresholds)) set(given);
  });
  watchTheme();
  render();
}

try {
  start();
} catch (error) {
  byId('main').hidden = true;
  byId('problem').hidden = false;
  byId('problem').textContent = `This report cannot be shown: ${visible(error.message)}`;
}
