// A template as the customer reads it: its texts filled in, its buttons pressed.
import { choice, choices, fillForm, flowFields, frame, linkChoice, shareNumber } from './interactive.js';
import { el } from './dom.js';

export function templateOf(content, message, phone, chat) {
  const shown = message.shown || {};
  const answer = (type, body) => phone.send(type, body, { quoted_id: message.id });
  const below = buttonsOf(shown, answer, chat);
  if (shown.cards && shown.cards.length) {
    const cards = shown.cards.map((card) => el('li', {}, ...parts(card), ...buttonsOf(card, answer, chat)));
    below.push(el('ul', { class: 'cards', tabindex: '0', 'aria-label': 'Cards' }, ...cards));
  }
  return { inside: parts(shown), below };
}

function parts(shown) {
  return frame({ header: shown.header, body: { text: shown.body }, footer: { text: shown.footer } });
}

function buttonsOf(shown, answer, chat) {
  const buttons = (shown.buttons || []).map((button) => one(button, answer, chat));
  return buttons.length ? [choices(...buttons)] : [];
}

function one(button, answer, chat) {
  const { type, text, payload, url } = button;
  if (type === 'URL') return linkChoice(text, url);
  if (type === 'OTP' || type === 'COPY_CODE') return choice(text || 'Copy code', (event) => { event.target.textContent = 'Copied'; }, '⧉');
  if (type === 'FLOW') return choice(text, () => fillForm(answer, 'flow', text, flowFields()), '📝');
  if (type === 'REQUEST_CONTACT_INFO') return choice(text || 'Share my number', () => shareNumber(answer, chat), '👤');
  if (type === 'QUICK_REPLY') return choice(text, () => answer('button', { payload, text }), '↩');
  return el('button', { type: 'button', disabled: true }, text || type);
}
