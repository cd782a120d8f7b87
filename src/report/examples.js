// The rows that are hardest and easiest, with what each exit said.

const PICTURE = /^data:image\/(png|jpeg|bmp);base64,[A-Za-z0-9+/=]+$/;
const SMALL_PICTURE = 128;  // pixels: below, they are shown as squares

function exampleContent(model, example) {
  if (typeof example.text === 'string') {
    return el('p', {class: 'example-text', dir: 'auto', tabindex: example.text.length > 240 ? '0' : null}, example.text);
  }
  const box = el('div', {class: 'example-image'});
  if (PICTURE.test(example.image ?? '')) {
    const image = el('img', {alt: `Row ${example.row}, labelled ${model.label(example.label)}`, width: 96, height: 96});
    image.addEventListener('load', () => image.classList.toggle('pixelated', image.naturalWidth < SMALL_PICTURE));
    image.src = example.image;
    box.append(image);
  }
  return box;
}

function exampleCard(model, example) {
  const lines = new Map();
  const answers = (example.answers ?? []).map((answer) => {
    const right = answer.index === example.label;
    const line = el(
        'li', {class: right ? 'right' : 'wrong'},
        el('span', {class: 'mark', 'aria-hidden': 'true'}, right ? '✓' : '✗'),
        el('span', {class: 'answer'}, el('span', {class: 'muted'}, bdi(answer.exit), ': '), bdi(model.label(answer.index)),
           ` ${percent(answer.confidence)}`, el('span', {class: 'hidden-text'}, right ? ', right' : ', wrong'),
           el('span', {class: 'answers-here'})));
    lines.set(answer.exit, line);
    return line;
  });
  const element = el(
      'li', {class: 'card example'}, exampleContent(model, example),
      el('p', {class: 'example-name'}, el('strong', {}, bdi(model.label(example.label))), ' ',
         el('span', {class: 'muted small'}, `row ${example.row}`, ...(example.name ? [', ', bdi(example.name)] : []))),
      el('ol', {class: 'answers'}, ...answers));
  return {element, row: example.row, lines};
}

/** Returns update(thresholds), which marks the exit that answers each example. */
function examples(model) {
  const {n, exits, confidence} = model.rows;
  const cards = [];
  const list = (title, from) => {
    const made = (from ?? []).map((example) => exampleCard(model, example));
    cards.push(...made);
    return made.length ? [el('h3', {}, title), el('ul', {class: 'examples'}, ...made.map((card) => card.element))] : [];
  };
  const {hardest, easiest} = model.report.examples ?? {};
  byId('example-lists').replaceChildren(...list('Hardest', hardest), ...list('Easiest', easiest));
  byId('examples').hidden = cards.length === 0;
  return (thresholds) => {
    for (const {row, lines} of cards) {
      if (!(row >= 0 && row < n)) continue;
      let e = 0;
      while (e < exits - 1 && (thresholds[e] > 1 || confidence[row * exits + e] < Math.round(65535 * thresholds[e]))) ++e;
      for (const [name, line] of lines) {
        const here = name === model.names[e];
        if (line.classList.contains('here') === here) continue;
        line.classList.toggle('here', here);
        line.querySelector('.answers-here').textContent = here ? ' – answers' : '';
      }
    }
  };
}
