// The thresholds' sliders: one for all exits, one for each, with a number and a shut state.

const STEP = 0.001;
const REOPENED_AT = 0.9;

const parseThreshold = (text) => {
  const t = text.trim() === '' ? NaN : Number(text);
  return t >= 0 ? (t > 1 ? SHUT : t) : NaN;
};

/** One row: name, slider, number, and what stands behind. `set(t)` takes what a user gives. */
function thresholdRow(id, name, label, behind, set) {
  const range = el('input', {type: 'range', id: `${id}-range`, min: 0, max: 1, step: STEP, 'aria-label': label});
  const number = el('input', {
    type: 'number', min: 0, max: 1, step: 'any', inputmode: 'decimal', id: `${id}-number`,
    'aria-label': `${label}, as a number`,
  });
  range.addEventListener('input', () => set(Number(range.value)));
  number.addEventListener('input', () => {
    const t = parseThreshold(number.value);
    number.setAttribute('aria-invalid', String(Number.isNaN(t)));
    if (!Number.isNaN(t)) set(t);
  });
  const element = el('div', {class: 'slider'}, el('div', {class: 'slider-name'}, name), ...behind, range, number);
  // A number that is being typed is left alone until its field is left.
  const show = (t, text, hint = '') => {
    number.placeholder = hint;
    if (document.activeElement !== number) {
      number.value = text;
      number.removeAttribute('aria-invalid');
    }
    range.value = t;
    range.setAttribute('aria-valuetext', hint || text);
  };
  number.addEventListener('blur', () => element.dispatchEvent(new Event('left')));
  return {element, show};
}

function exitRow(model, e, setOne) {
  const name = model.names[e];
  const open = el('input', {type: 'checkbox', id: `exit-${e}-open`, 'aria-label': `${name} is open`});
  const share = el('span', {class: 'slider-share muted small'});
  let lastOpen = model.own[e] <= 1 ? model.own[e] : REOPENED_AT;
  let shown = SHUT;
  const row = thresholdRow(
      `exit-${e}`, pathName(name), `Threshold of ${name}`,
      [share, el('label', {class: 'slider-open'}, open, el('span', {}, 'open'))], (t) => setOne(e, t));
  open.addEventListener('change', () => setOne(e, open.checked ? lastOpen : SHUT));
  const show = (t) => {
    shown = t;
    const shut = t > 1;
    if (!shut) lastOpen = t;
    open.checked = !shut;
    row.element.classList.toggle('is-shut', shut);
    row.show(shut ? lastOpen : t, shut ? '' : thresholdText(t), shut ? 'shut' : '');
  };
  row.element.addEventListener('left', () => show(shown));
  return {
    element: row.element,
    update(t, exit) {
      show(t);
      setText(share, t > 1 ? 'shut' : `answers ${percent(exit.share)}`);
    },
  };
}

/**
 * setThresholds(thresholds) takes what the user sets; thresholds() gives what is set.
 * Returns update(thresholds, figures).
 */
function controls(model, thresholds, setThresholds) {
  const exits = model.own.length;
  byId('setting').hidden = exits === 0;
  byId('no-exits').hidden = exits > 0;
  byId('share-hint').hidden = byId('pick-hint').hidden = exits === 0;
  if (exits === 0) return () => {};
  const all = thresholdRow(
      'all', 'All exits', 'One threshold for all exits', [], (t) => setThresholds(new Array(exits).fill(t)));
  all.element.classList.add('slider-all');
  const rows = model.own.map((_, e) => exitRow(model, e, (at, t) => {
    const next = [...thresholds()];
    next[at] = t;
    setThresholds(next);
  }));
  byId('sliders').replaceChildren(all.element, ...rows.map((row) => row.element));
  byId('use-own').addEventListener('click', () => setThresholds(model.own));
  byId('use-mainnet').addEventListener('click', () => setThresholds(new Array(exits).fill(SHUT)));

  const showAll = (chosen) => {
    const open = chosen.filter((t) => t <= 1);
    const same = chosen.every((t) => t === chosen[0]);
    const mean = open.length ? open.reduce((sum, t) => sum + t, 0) / open.length : 1;
    if (open.length === 0) all.show(1, '', 'shut');
    else all.show(mean, same ? thresholdText(chosen[0]) : '', same ? '' : 'differ');
  };
  all.element.addEventListener('left', () => showAll(thresholds()));
  return (chosen, figures) => {
    showAll(chosen);
    rows.forEach((row, e) => row.update(chosen[e], figures.exits[e]));
  };
}

/** "At most X points lost": the cheapest known point by what the chart shows. */
function targetForm(model, points, costName, onPick) {
  const input = byId('target-points');
  byId('target').addEventListener('submit', (event) => {
    event.preventDefault();
    const lost = Number(input.value);
    const valid = input.value.trim() !== '' && lost >= 0;
    input.setAttribute('aria-invalid', String(!valid));
    if (!valid) {
      setText(byId('target-answer'), 'Expected a number of points, 0 or more.');
      return;
    }
    const best = cheapestPoint(points, model.report.mainnet.accuracy, lost, costName());
    const behind = 100 * (model.report.mainnet.accuracy - best.accuracy);
    setText(byId('target-answer'), best.kind === 'mainnet' ?
        'No cheaper point that the sweep knows loses so little: MainNet alone.' :
        `${capital(best.name)}: ` +
        `${fixed(behind, 2)} points lost, ${percent(best.compute)} of the compute, ${milliseconds(best.ms)} a row.`);
    onPick(best);
  });
}
