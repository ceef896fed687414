// Interactive messages of the business's, and the answers that each of them invites.
import { mediaNode } from './contents.js';
import { el, link, richText } from './dom.js';
import { ask, field, radios } from './sheets.js';

const ADDRESS = { name: 'Name', phone_number: 'Phone', in_pin_code: 'PIN code', house_number: 'House number', address: 'Address', city: 'City', state: 'State' };
const MEDIA = ['image', 'video', 'document'];

export function interactiveOf(content, message, phone, chat) {
  const make = KINDS[content.type] || (() => []);
  const answer = (type, body) => phone.send(type, body, { quoted_id: message.id });
  return { inside: frame(content), below: make(content.action || {}, answer, chat, content) };
}

// Header, body and footer, the same for every kind and for templates.
export function frame({ header, body, footer }) {
  const parts = [];
  if (header && header.type === 'text') parts.push(el('p', { class: 'head' }, header.text));
  const kind = header && MEDIA.find((one) => header[one]);
  if (kind) parts.push(mediaNode(kind, header[kind]));
  if (body && body.text) parts.push(el('p', { class: 'text' }, ...richText(body.text)));
  if (footer && footer.text) parts.push(el('p', { class: 'footer' }, footer.text));
  return parts;
}

export function choices(...buttons) {
  return el('div', { class: 'choices' }, ...buttons);
}

export function choice(label, onclick, icon = '') {
  return el('button', { type: 'button', onclick }, icon && el('span', { 'aria-hidden': 'true' }, `${icon} `), label);
}

export function linkChoice(label, url) {
  const node = link(url, el('span', { 'aria-hidden': 'true' }, '↗ '), label);
  node.classList.add('choice');
  return node;
}

export async function fillForm(answer, name, title, fields, token) {
  const values = await ask(title, 'Send', fields.map(([key, label, value]) => field(key, label, { value })));
  if (!values) return;
  const response = { ...(token && { flow_token: token }), ...values };
  await answer('interactive', { type: 'nfm_reply', nfm_reply: { name, body: 'Sent', response_json: JSON.stringify(response) } });
}

export function flowFields(data) {
  const keys = Object.keys(data || {});
  return (keys.length ? keys : ['answer']).map((key) => [key, key.replace(/_/g, ' '), '']);
}

export function shareNumber(answer, chat) {
  const { name, wa_id: digits } = chat.customer;
  const phones = [{ phone: `+${digits}`, wa_id: digits, type: 'CELL' }];
  return answer('contacts', [{ name: { formatted_name: name, first_name: name }, phones, origin: 'contact_request' }]);
}

function order(answer, catalog, items) {
  const products = items.map((item) => ({ product_retailer_id: item.product_retailer_id, quantity: 1, item_price: 10, currency: 'USD' }));
  return answer('order', { catalog_id: catalog || '0', text: '', product_items: products });
}

async function pickRow(action, answer) {
  const rows = action.sections.flatMap((section) => section.rows);
  const picked = await ask(action.button, 'Send', [radios('row', action.sections)]);
  const row = picked && rows.find((one) => one.id === picked.row);
  if (row) await answer('interactive', { type: 'list_reply', list_reply: { id: row.id, title: row.title, ...(row.description && { description: row.description }) } });
}

async function pickProducts(action, answer) {
  const sections = action.sections.map((section) => ({ title: section.title, rows: section.product_items.map((item) => ({ id: item.product_retailer_id, title: item.product_retailer_id })) }));
  const picked = await ask('Products', 'Order', [radios('product', sections)]);
  if (picked && picked.product) await order(answer, action.catalog_id, [{ product_retailer_id: picked.product }]);
}

function card(one, answer) {
  const replies = (one.action.buttons || []).map(({ quick_reply: reply }) =>
    choice(reply.title, () => answer('button', { payload: reply.id, text: reply.title }), '↩'));
  const parameters = one.action.parameters;
  if (parameters) replies.push(linkChoice(parameters.display_text, parameters.url));
  if (one.type === 'product') replies.push(choice('Order', () => order(answer, one.action.catalog_id, [one.action]), '🛒'));
  const inside = one.type === 'product' ? [el('p', { class: 'text' }, `🛍 ${one.action.product_retailer_id}`)] : frame(one);
  return el('li', {}, ...inside, choices(...replies));
}

const permit = (answer, response) => answer('interactive', { type: 'call_permission_reply', call_permission_reply: { response, response_source: 'user_action', ...(response === 'accept' && { expiration_timestamp: Math.floor(Date.now() / 1000) + 604800 }) } });

const KINDS = {
  button: (action, answer) => [choices(...action.buttons.map(({ reply }) =>
    choice(reply.title, () => answer('interactive', { type: 'button_reply', button_reply: { id: reply.id, title: reply.title } }), '↩')))],
  list: (action, answer) => [choices(choice(action.button, () => pickRow(action, answer), '☰'))],
  cta_url: (action) => [choices(linkChoice(action.parameters.display_text, action.parameters.url))],
  location_request_message: (action, answer) => [choices(choice('Send location', () => answer('location', { latitude: -34.6037, longitude: -58.3816 }), '📍'))],
  flow: ({ parameters }, answer) => [choices(choice(parameters.flow_cta, () =>
    fillForm(answer, 'flow', parameters.flow_cta, flowFields((parameters.flow_action_payload || {}).data), parameters.flow_token), '📝'))],
  address_message: ({ parameters }, answer) => [choices(choice('Provide address', () =>
    fillForm(answer, 'address_message', 'Address', Object.entries(ADDRESS).map(([key, label]) => [key, label, (parameters.values || {})[key] || ''])), '🏠'))],
  product: (action, answer) => [choices(choice(`Order ${action.product_retailer_id}`, () => order(answer, action.catalog_id, [action]), '🛒'))],
  product_list: (action, answer) => [choices(choice('View items', () => pickProducts(action, answer), '🛍'))],
  catalog_message: (action, answer) => [choices(choice('Order from the catalog', () => order(answer, '', [{ product_retailer_id: (action.parameters || {}).thumbnail_product_retailer_id || 'sku1' }]), '🛍'))],
  carousel: (action, answer) => [el('ul', { class: 'cards', tabindex: '0', 'aria-label': 'Cards' }, ...action.cards.map((one) => card(one, answer)))],
  call_permission_request: (action, answer) => [choices(choice('Allow calls', () => permit(answer, 'accept'), '📞'), choice('Decline', () => permit(answer, 'reject')))],
  voice_call: ({ parameters }) => [choices(el('button', { type: 'button', disabled: true }, `📞 ${(parameters || {}).display_text || 'Call'}`))],
  request_contact_info: (action, answer, chat) => [choices(choice('Share my number', () => shareNumber(answer, chat), '👤'))],
};
