// Writing: text, emoji, and everything that can be attached.
import { byId, el } from './dom.js';
import { ask, field } from './sheets.js';

const EMOJI = ['😀', '😂', '😊', '😍', '😉', '🤔', '😢', '😡', '👍', '👎', '🙏', '👏', '💪', '👋', '❤️', '🔥', '🎉', '✅', '❌', '⭐', '☀️', '🌧️', '🍕', '☕', '🚗', '✈️', '🏠', '📦', '💰', '🎁', '📷', '🐶'];
const SUGGESTIONS = ['Hola', 'What are your opening hours?', 'Where is my order?'];

export class Composer {
  constructor(phone) {
    this.phone = phone;
    this.text = byId('text');
    this.quoted = null;
    byId('composer').addEventListener('submit', (event) => { event.preventDefault(); this.sendText(); });
    this.text.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.sendText();
    });
    this.text.addEventListener('input', () => this.grow());
    byId('stop-quoting').addEventListener('click', () => this.quote(null));
    this.tray('emoji', EMOJI.map((one) => [one, one, () => this.insert(one)]));
    this.tray('attachments', this.attachments());
    byId('suggestions').append(...SUGGESTIONS.map((one) => el('button', { type: 'button', onclick: () => this.send('text', { body: one }) }, one)));
    this.text.focus();
  }

  quote(message, summary = '') {
    this.quoted = message && message.id;
    byId('quoting').hidden = !message;
    byId('quoted-text').textContent = summary;
    this.text.focus();
  }

  async sendText() {
    const body = this.text.value.trim();
    if (!body) return;
    this.text.value = '';
    this.grow();
    if (!(await this.send('text', { body }))) this.text.value = body;
  }

  async send(type, content, extra = {}) {
    byId('notice').textContent = '';
    const quoted = this.quoted ? { quoted_id: this.quoted } : {};
    if (this.quoted) this.quote(null);
    try {
      await this.phone.send(type, content, { ...quoted, ...extra });
      return true;
    } catch (error) {
      byId('notice').textContent = error.message;
      return false;
    }
  }

  attachments() {
    return [
      ['🖼️', 'Photo', () => this.pickFile('image', 'image/jpeg,image/png')],
      ['🌅', 'Sample photo', () => this.send('image', null, { sample: true })],
      ['🎤', 'Voice note', () => this.send('audio', null, { sample: true })],
      ['📄', 'Document', () => this.pickFile('document', '.pdf,.txt,.docx,.xlsx,.pptx')],
      ['📍', 'Location', () => this.sendLocation()],
      ['👤', 'Contact', () => this.sendContact()],
    ];
  }

  tray(name, entries) {
    const tray = byId(name);
    const opener = byId(`open-${name}`);
    const toggle = (open) => { tray.hidden = !open; opener.setAttribute('aria-expanded', String(open)); };
    tray.append(...entries.map(([icon, label, act]) =>
      el('button', { type: 'button', 'aria-label': label, onclick: () => { act(); if (name !== 'emoji') toggle(false); } },
        el('span', { class: 'symbol', 'aria-hidden': 'true' }, icon), label === icon ? '' : el('span', {}, label))));
    opener.addEventListener('click', () => {
      const open = tray.hidden;
      ['emoji', 'attachments'].forEach((other) => { byId(other).hidden = true; byId(`open-${other}`).setAttribute('aria-expanded', 'false'); });
      toggle(open);
      if (open) tray.querySelector('button').focus();
    });
    tray.addEventListener('keydown', (event) => { if (event.key === 'Escape') { toggle(false); opener.focus(); } });
  }

  insert(emoji) {
    this.text.setRangeText(emoji, this.text.selectionStart, this.text.selectionEnd, 'end');
    this.text.focus();
  }

  pickFile(type, accept) {
    const input = byId('file');
    input.accept = accept;
    input.value = '';
    input.onchange = async () => {
      const file = input.files[0];
      if (!file) return;
      const data = await base64(file);
      const caption = this.text.value.trim();
      this.text.value = '';
      await this.send(type, caption ? { caption } : null, { file: { data, mime_type: file.type, filename: file.name } });
    };
    input.click();
  }

  async sendLocation() {
    const place = await ask('Send a location', 'Send', [
      field('latitude', 'Latitude', { value: '-34.6037', type: 'number', step: 'any', min: -90, max: 90, required: true }),
      field('longitude', 'Longitude', { value: '-58.3816', type: 'number', step: 'any', min: -180, max: 180, required: true }),
      field('name', 'Name', { value: 'Obelisco' }),
      field('address', 'Address', { value: 'Av. 9 de Julio, Buenos Aires' }),
    ]);
    if (place) await this.send('location', { ...place, latitude: Number(place.latitude), longitude: Number(place.longitude) });
  }

  async sendContact() {
    const person = await ask('Send a contact', 'Send', [
      field('name', 'Name', { value: 'Bo Li', required: true }),
      field('phone', 'Phone', { value: '+34 600 999 888', required: true }),
    ]);
    if (!person) return;
    const digits = person.phone.replace(/\D/g, '');
    const name = { formatted_name: person.name, first_name: person.name.split(' ')[0] };
    await this.send('contacts', [{ name, phones: [{ phone: person.phone, wa_id: digits, type: 'CELL' }], origin: 'other' }]);
  }

  grow() {
    this.text.rows = Math.min(5, this.text.value.split('\n').length);
  }
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(',')[1]);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
