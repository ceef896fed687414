// Questions to the customer: one dialog, asked for values and giving them back.
import { byId, el } from './dom.js';

// Ask; the values by name, or null when the dialog was closed without an answer.
export function ask(title, done, nodes) {
  const sheet = byId('sheet');
  byId('sheet-title').textContent = title;
  byId('sheet-done').textContent = done;
  byId('sheet-body').replaceChildren(...nodes);
  sheet.returnValue = '';
  sheet.showModal();
  return new Promise((resolve) => {
    sheet.addEventListener('close', () => resolve(sheet.returnValue === 'done' ? values(sheet) : null), { once: true });
  });
}

function values(sheet) {
  const found = Object.fromEntries(new FormData(sheet.querySelector('form')));
  sheet.querySelectorAll('input[type=checkbox]').forEach((box) => { found[box.name] = box.checked; });
  return found;
}

export function field(name, label, attributes = {}) {
  return el('label', { class: 'field-row' }, el('span', {}, label), el('input', { name, ...attributes }));
}

export function box(name, label, checked, hint) {
  return el('label', { class: 'box-row' }, el('span', {}, label, hint ? el('small', {}, hint) : ''), el('input', { type: 'checkbox', name, checked, role: 'switch' }));
}

export function select(name, label, options, chosen) {
  return el('label', { class: 'field-row' }, el('span', {}, label), el('select', { name }, ...options.map(([value, text]) => el('option', { value, selected: value === chosen }, text))));
}

// One of many, found by writing a part of its name or number; what is not on the list goes as it was written.
export function search(name, label, options, chosen) {
  const list = el('datalist', { id: `${name}-list` }, ...options.map(([, text]) => el('option', { value: text })));
  const known = options.find(([value]) => value === chosen);
  return el('label', { class: 'field-row' }, el('span', {}, label), el('input', { name, list: list.id, value: known ? known[1] : chosen, type: 'search', required: true }), list);
}

export function found(options, written) {
  const known = options.find(([, text]) => text === written);
  return known ? known[0] : written.replace(/^.*\+/, '').replace(/\D/g, '');
}

export function radios(name, sections) {
  const groups = sections.map((section) => el('fieldset', {}, section.title ? el('legend', {}, section.title) : '',
    ...section.rows.map((row) => el('label', { class: 'box-row' }, el('span', {}, row.title, row.description ? el('small', {}, row.description) : ''), el('input', { type: 'radio', name, value: row.id, required: true })))));
  return el('div', {}, ...groups);
}
