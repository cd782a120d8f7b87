// Numbers for people, and elements. Text from the report reaches the page as text nodes and attributes only.

const NO_VALUE = '–';
const isNumber = (x) => typeof x === 'number' && Number.isFinite(x);

const fixed = (x, digits) => (isNumber(x) ? x.toFixed(digits) : NO_VALUE);
const percent = (share, digits = 1) => (isNumber(share) ? (100 * share).toFixed(digits) + '\u00a0%' : NO_VALUE);
const wholeNumber = new Intl.NumberFormat('en');
/** With a minus sign in the place of a hyphen, and none before a zero. */
const withMinus = (text) => text.replace(/^-(?=[0.]*[1-9])/, '−').replace(/^-/, '');
const count = (n) => (isNumber(n) ? wholeNumber.format(n) : NO_VALUE);
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const plural = (n, word) => `${count(n)} ${word}${n === 1 ? '' : 's'}`;

/** Three significant digits, from microseconds to seconds. */
function milliseconds(ms) {
  if (!isNumber(ms)) return NO_VALUE;
  if (ms >= 1000) return (ms / 1000).toPrecision(3) + '\u00a0s';
  return ms >= 100 ? ms.toFixed(0) + '\u00a0ms' : ms.toPrecision(3) + '\u00a0ms';
}

/** "0.4 points below", "0.2 points above" or "level with", to be followed by "MainNet". */
function pointsAgainst(lost) {
  const points = Math.abs(100 * lost).toFixed(1);
  if (points === '0.0') return 'level with';
  return `${points} ${points === '1.0' ? 'point' : 'points'} ${lost > 0 ? 'below' : 'above'}`;
}

function pointsLost(lost) {
  const points = Math.abs(100 * lost).toFixed(1);
  return points === '0.0' ? 'nothing lost' : `${points} points ${lost > 0 ? 'lost' : 'won'}`;
}

/** 0.48 saved: "48 % less"; -0.02: "2 % more". */
function lessOrMore(saved) {
  const amount = Math.abs(100 * saved).toFixed(1);
  return amount === '0.0' ? 'the same' : `${amount}\u00a0% ${saved > 0 ? 'less' : 'more'}`;
}

/** The shortest text that reads back as the same number: what is shown is what is meant. */
const thresholdText = (t) => (t > 1 ? 'shut' : String(t));
const thresholdShort = (t) => (t > 1 ? 'shut' : String(Math.round(t * 1e5) / 1e5));

// What hides or moves its neighbours: detail::kHidden of include/sidenet/error.h.
const HIDDEN = new RegExp(
    '[\\0-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b-\\u200f\\u2028-\\u202e' +
    '\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}' +
    '\\u{e0000}-\\u{e00ff}\\u{e01f0}-\\u{e0fff}\\p{Noncharacter_Code_Point}]', 'u');
const EACH_HIDDEN = new RegExp(HIDDEN.source, 'gu');
// A page breaks its lines itself, and whole scripts and emoji need the two joiners.
const KEPT_ON_PAGE = '\t\n\r\u200c\u200d';
// Letters that are written right to left.
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** As printable_line() writes it, and bash reads it in $'…'. */
function escaped(character) {
  const code = character.codePointAt(0).toString(16);
  return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
}
const visible = (text) => text.replace(EACH_HIDDEN, (c) => (KEPT_ON_PAGE.includes(c) ? c : escaped(c)));

/** Within a line of text, where no element can: figures beside an Arabic name keep their places. */
const isolated = (text) => (RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text);

const byId = (id) => document.getElementById(id);

/** An element with attributes; children are elements or text. */
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Text in its own direction: a label or a file name may be Arabic or Hebrew. */
const bdi = (text) => el('bdi', {}, String(text));

/** A value that scripts and tests read in full from `value`, and people rounded. */
function setData(element, value, text) {
  const full = isNumber(value) ? String(value) : '';
  if (element.value === full && element.firstChild) return;  // most cells stay as they are while a slider moves
  element.value = full;
  setText(element, text);
}

/** A module path, which may break after its dots. */
const pathName = (name) => el('bdi', {}, ...String(name).split(/(?<=[._])/).flatMap((part) => [part, el('wbr')]));

/** For elements that hold one text; changing its node is cheaper than making a new one. */
function setText(element, text) {
  const node = element.firstChild;
  if (!node) element.textContent = text;
  else if (node.data !== text) node.data = text;
}

/**
 * A table that scrolls by itself where the window is too narrow. `headers`: texts; the first column names its row.
 * `rows`: arrays of texts or elements.
 */
function table(caption, headers, rows) {
  const head = el('tr', {}, ...headers.map((text) => el('th', {scope: 'col'}, text)));
  const body = rows.map((cells) => el('tr', {}, ...cells.map(
      (cell, i) => (i === 0 ? el('th', {scope: 'row'}, cell) : el('td', {}, cell)))));
  return el('div', {class: 'scroll', role: 'region', tabindex: '0', 'aria-label': caption},
            el('table', {}, el('caption', {}, el('span', {}, caption)), el('thead', {}, head), el('tbody', {}, ...body)));
}
