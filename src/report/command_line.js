// The command that reproduces the chosen point, its certificate, and its place in the page's address.

const PLAIN_WORD = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** What would not show is written with bash's escapes. */
function shellWord(text) {
  if (PLAIN_WORD.test(text)) return text;
  if (!HIDDEN.test(text)) return `'${text.replaceAll('\'', '\'\\\'\'')}'`;
  return `$'${text.replace(/['\\]/g, '\\$&').replace(EACH_HIDDEN, escaped)}'`;
}
const fileWord = (name) => shellWord(name.startsWith('-') ? `./${name}` : name);

function policyOptions(model, thresholds) {
  const {names} = model.given;
  const open = thresholds.findIndex((t) => !(t > 1));
  if (open < 0) return '--final-only';
  if (thresholds.every((t) => t === thresholds[0])) return `--threshold ${thresholds[0]}`;
  if (thresholds[open] === 0) return `--exit ${shellWord(names[open])}`;
  return '--thresholds ' + shellWord(thresholds.map((t, e) => `${names[e]}=${t > 1 ? SHUT : t}`).join(','));
}

function commandLine(model, thresholds) {
  const input = model.report.data.kind === 'texts' ? '--text "TEXT"' : 'INPUT';
  const policy = sameThresholds(thresholds, model.own) ? '' : ' ' + policyOptions(model, thresholds);
  return `sidenet predict ${fileWord(model.given.file)} ${input}${policy}`;
}

/** The clipboard, or the older command where a file:// page may not write to it; else the text is left selected. */
async function copyText(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return document.execCommand('copy');
  }
}

function copyButton() {
  byId('copy').addEventListener('click', async () => {
    const done = await copyText(byId('command'));
    setText(byId('copied'), done ? 'Copied.' : 'Selected: press Ctrl+C to copy.');
    setTimeout(() => setText(byId('copied'), ''), 4000);
  });
}

const RISKS = {
  'drop': (e) => `lose at most ${e} points of accuracy against MainNet`,
  'disagreement': (e) => `differ from MainNet in at most ${e} of 100 answers`,
  'exit-error': (e) => `let each exit be wrong in at most ${e} of 100 answers that it gives`,
};

const shortNumber = (x) => String(Number(x.toPrecision(6)));

function failing(delta) {
  const times = Math.round(1 / delta);
  return Math.abs(times * delta - 1) < 1e-6 ? `at most once in ${times} calibrations`
    : `in at most ${shortNumber(100 * delta)}\u00a0% of calibrations`;
}

function certifiedClaim(c) {
  const claim = RISKS[c.risk] ?? ((e) => `keep the risk “${isolated(String(c.risk))}” at or below ${e} in 100`);
  const where = (c.classes?.length ? ', in every class,' : '') +
      ` on rows drawn as the calibration rows were${c.distinct ? ' from different rows' : ''}`;
  const rows = plural(c.rows, 'row') + (c.unlabelled_rows ? ` and ${c.unlabelled_rows} without labels` : '');
  const unknown = c.training_rows_known === false
    ? ' The model did not tell which rows its SideNets were trained on: it holds only if none of them was among those.' : '';
  return `Certified: these thresholds ${claim(shortNumber(100 * c.epsilon))}${where}. ` +
      `Such promises fail ${failing(c.delta)} (tested on ${rows}).${unknown}`;
}

/** Returns update(thresholds), which shows what the certificate says of them; false where it does not hold. */
function certificate(model) {
  const note = byId('certificate');
  const c = model.report.certificate;
  if (!c || model.own.length === 0) return () => {};
  const certified = model.own.map((t, e) => c.thresholds?.[model.given.names[e]] ?? t);
  note.hidden = false;
  return (thresholds) => {
    const holds = Boolean(c.valid) && sameThresholds(thresholds, certified);
    note.className = `note ${holds ? 'good' : 'warning'}`;
    if (!c.valid) setText(note, 'Warning: the model has changed since it was certified. Run sidenet calibrate again.');
    else if (holds) setText(note, certifiedClaim(c));
    else setText(note, 'Warning: not certified. The model’s certificate holds for its certified thresholds only.');
    return holds;
  };
}

// The address: #t=0.9,0.95,2 – a threshold an exit, in order.

const hashOf = (thresholds) => '#t=' + thresholds.map((t) => (t > 1 ? SHUT : t)).join(',');

/** The thresholds in the address, or null where there are none for this model. */
function thresholdsInHash(exits) {
  const found = /^#t=([0-9.,eE+-]+)$/.exec(location.hash.replaceAll(/%2c/gi, ','));
  const thresholds = found ? found[1].split(',').map(parseThreshold) : [];
  return exits > 0 && thresholds.length === exits && !thresholds.some(Number.isNaN) ? thresholds : null;
}

/** replaceState is slow and browsers limit it, so it waits until a slider rests. */
function hashWriter() {
  let timer = 0;
  return (thresholds) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      try {
        history.replaceState(null, '', hashOf(thresholds));
      } catch {
        byId('share-hint').hidden = true;
      }
    }, 250);
  };
}
