// Where rows are answered: the bar, and the tables by exit.

/** Segments and table cells are made once; update(figures, thresholds) only changes widths and texts. */
function sharesBar(model) {
  const {names} = model;
  const parts = names.map((name, e) => {
    const segment = el('span', {class: 'share'});
    const swatch = el('span', {class: 'swatch', 'aria-hidden': 'true'});
    segment.style.backgroundColor = swatch.style.backgroundColor = exitColor(e, names.length);
    const amount = el('data', {class: 'amount'});
    return {segment, amount, item: el('li', {}, swatch, pathName(name), ' ', amount)};
  });
  byId('shares').replaceChildren(...parts.map((part) => part.segment));
  byId('shares-legend').replaceChildren(...parts.map((part) => part.item));
  return (figures) => {
    figures.exits.forEach(({share}, e) => {
      parts[e].segment.style.flexGrow = share;
      parts[e].segment.classList.toggle('empty', share === 0);
      setData(parts[e].amount, share, percent(share));
    });
    byId('shares').setAttribute('aria-label', 'Rows answered by exit: ' +
        figures.exits.map(({share}, e) => `${names[e]} ${percent(share)}`).join(', '));
  };
}

function answeredTable(model) {
  const cells = model.names.map(() => Array.from({length: 7}, () => el('data')));
  byId('answered-table').replaceChildren(table(
      'Rows that each exit answers at the chosen thresholds',
      ['Exit', 'Threshold', 'Rows', 'Share', 'Accuracy there', 'MainNet on them', 'ECE there', 'Compute of a row'],
      model.names.map((name, e) => [pathName(name), ...cells[e]])));
  return (figures, thresholds) => figures.exits.forEach((exit, e) => {
    const [threshold, rows, share, accuracy, mainnet, ece, compute] = cells[e];
    const t = e < thresholds.length ? thresholds[e] : null;
    setData(threshold, t, t === null ? NO_VALUE : thresholdShort(t));
    setData(rows, exit.rows, count(exit.rows));
    setData(share, exit.share, percent(exit.share));
    setData(accuracy, exit.accuracy, percent(exit.accuracy));
    setData(mainnet, exit.mainnetAccuracy, percent(exit.mainnetAccuracy));
    setData(ece, exit.ece, percent(exit.ece));
    setData(compute, exit.cost.compute, percent(exit.cost.compute));
  });
}

/** `scope`: "all" rows, or those that get there under the model's own thresholds ("reached"). */
function aloneTable(model, scope) {
  const caption = scope === 'all' ?
      'Each exit over all rows' :
      'Each exit over the rows that get there under the model’s own thresholds';
  byId('alone-table').replaceChildren(table(
      caption,
      ['Exit', 'Rows', 'Accuracy', 'ECE', 'ECE before calibration', 'AUROC', 'Brier', 'NLL', 'Temperature'],
      model.report.exits.map((exit) => {
        const m = exit[scope] ?? {rows: 0};
        return [
          pathName(exit.name), count(m.rows), percent(m.accuracy), percent(m.ece), percent(m.ece_uncalibrated),
          fixed(m.auroc, 3), fixed(m.brier, 3), fixed(m.nll, 3), fixed(exit.temperature, 2),
        ];
      })));
}

function overthinkingTable(model) {
  const inner = model.report.exits.slice(0, -1).filter((exit) => exit.overthinking);
  if (inner.length === 0) return;
  byId('overthinking-table').replaceChildren(table(
      'Overthinking: rows that an exit gets right and MainNet wrong, and the other way round',
      ['Exit', 'Both right', 'Only the exit right', 'Only MainNet right', 'Both wrong'],
      inner.map(({name, overthinking: o}) => [
        pathName(name), count(o.both_right), count(o.exit_only), count(o.mainnet_only), count(o.both_wrong),
      ])));
}
