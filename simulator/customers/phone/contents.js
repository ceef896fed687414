// What stands inside a bubble, by type; and below it, what the customer can press.
import { fileUrl } from './api.js';
import { el, link, richText } from './dom.js';
import { interactiveOf } from './interactive.js';
import { templateOf } from './template.js';

const NAMES = { image: '📷 Photo', video: '🎥 Video', audio: '🎤 Voice message', document: '📄 Document', sticker: '🌟 Sticker', location: '📍 Location', contacts: '👤 Contact', order: '🛒 Order', template: 'Template' };

const text = (body) => el('p', { class: 'text' }, ...richText(String(body ?? '')));
const plain = (inside) => ({ inside, below: [] });

// One line for quotes and for screen readers.
export function summaryOf(message) {
  const content = message.content || {};
  const shown = message.shown || {};
  const answer = content.button_reply || content.list_reply;
  return content.caption || shown.body || (content.body && (content.body.text || content.body)) || (answer && answer.title) || content.text || NAMES[message.type] || `[${message.type}]`;
}

export function contentOf(message, phone, chat) {
  const make = TYPES[message.type] || unknown;
  return make(message.content || {}, message, phone, chat);
}

export function mediaNode(kind, file, onplay) {
  if (!file.id) return el('p', { class: 'card file' }, NAMES[kind] || kind, el('br'), link(file.link || '', file.filename || nameIn(file.link) || file.link || ''));
  const source = fileUrl(file.id);
  if (kind === 'image' || kind === 'sticker') return el('img', { src: source, alt: file.caption || NAMES[kind], class: kind });
  if (kind === 'audio') return el('audio', { src: source, controls: true, preload: 'metadata', onplay, 'aria-label': NAMES.audio });
  if (kind === 'video') return el('video', { src: source, controls: true, preload: 'metadata', onplay });
  return el('a', { href: source, download: file.filename || '', class: 'card file' }, '📄 ', file.filename || 'Document');
}

// The last part of an address, as people name a file.
function nameIn(address) {
  const last = String(address || '').replace(/[?#].*$/, '').split('/').pop();
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function media(content, message, phone) {
  const node = mediaNode(message.type, content, () => message.from_business && phone.played(message.id));
  return plain([node, ...(content.caption ? [text(content.caption)] : [])]);
}

function location(content) {
  const place = [content.name, content.address].filter(Boolean).join(', ');
  return plain([el('div', { class: 'map', role: 'img', 'aria-label': 'Map' }, '📍'), text(place || `${content.latitude}, ${content.longitude}`)]);
}

function contacts(content) {
  const cards = Array.isArray(content) ? content : [];
  return plain(cards.map((card) => el('p', { class: 'card contact' }, el('strong', {}, (card.name && card.name.formatted_name) || 'Contact'), el('br'), ((card.phones || [])[0] || {}).phone || '')));
}

function interactive(content, message, phone, chat) {
  return message.from_business ? interactiveOf(content, message, phone, chat) : plain([answer(content)]);
}

function answer(content) {
  const chosen = content.button_reply || content.list_reply;
  if (chosen) return el('p', { class: 'text' }, chosen.title, chosen.description ? el('small', {}, chosen.description) : '');
  if (content.nfm_reply) return el('p', { class: 'card' }, '📝 ', content.nfm_reply.body || 'Form sent');
  if (content.call_permission_reply) return el('p', { class: 'card' }, content.call_permission_reply.response === 'accept' ? '📞 Calls allowed' : '📞 Calls declined');
  return el('p', { class: 'card' }, '[interactive]');
}

function order(content) {
  const items = content.product_items || [];
  return plain([el('p', { class: 'card' }, `🛒 ${items.length} item${items.length === 1 ? '' : 's'}`), ...(content.text ? [text(content.text)] : [])]);
}

function unknown(content, message) {
  return plain([el('p', { class: 'card' }, `[${message.type}]`)]);
}

const TYPES = {
  text: (content) => plain([text(content.body)]),
  button: (content) => plain([text(content.text)]),
  image: media, video: media, audio: media, document: media, sticker: media,
  location, contacts, interactive, order,
  template: templateOf,
};
