// The list of messages: what did not change stays as it is, so that focus and scroll survive.
import { byId, el, hidden } from './dom.js';
import { contentOf, summaryOf } from './contents.js';

const TICKS = { accepted: '🕓', sent: '✓', delivered: '✓✓', read: '✓✓', played: '✓✓', failed: '!' };
const WORDS = { accepted: 'on its way', sent: 'sent; the business has not taken it yet', delivered: 'delivered', read: 'read', played: 'played', failed: 'failed' };
const QUICK_REACTIONS = ['👍', '❤️', '😂', '😮', '😢', '🙏'];

export class MessageList {
  constructor(phone, composer) {
    this.phone = phone;
    this.composer = composer;
    this.list = byId('messages');
    this.shown = new Map();
  }

  show(chat) {
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 120;
    const byKey = new Map(chat.messages.map((message) => [message.id, message]));
    let day = '';
    const nodes = [];
    chat.messages.forEach((message, index) => {
      const date = new Date(message.timestamp * 1000).toLocaleDateString([], { weekday: 'long', day: 'numeric', month: 'long' });
      if (date !== day) nodes.push(this.keep(`day ${date}`, date, () => el('li', { class: 'day' }, el('span', {}, date))));
      day = date;
      const follows = index > 0 && chat.messages[index - 1].from_business === message.from_business;
      const quoted = byKey.get(message.quoted_id);
      const state = JSON.stringify([message, follows, quoted && quoted.id, chat.customer.name]);
      nodes.push(this.keep(message.id, state, () => this.bubble(message, quoted, follows, chat)));
    });
    this.place(nodes);
    byId('empty').hidden = chat.messages.length > 0;
    if (atEnd) this.toEnd(nodes);
  }

  // Pictures grow once they are loaded, which must not push the last message out of sight.
  toEnd(nodes) {
    const scroll = () => { this.list.scrollTop = this.list.scrollHeight; };
    nodes.flatMap((node) => [...node.querySelectorAll('img')]).filter((image) => !image.complete).forEach((image) => image.addEventListener('load', scroll, { once: true }));
    scroll();
  }

  keep(key, state, make) {
    const known = this.shown.get(key);
    if (known && known.state === state) return known.node;
    const node = make();
    this.shown.set(key, { state, node });
    return node;
  }

  place(nodes) {
    nodes.forEach((node, index) => {
      if (this.list.children[index] !== node) this.list.insertBefore(node, this.list.children[index] || null);
    });
    while (this.list.children.length > nodes.length) this.list.lastChild.remove();
  }

  bubble(message, quoted, follows, chat) {
    const mine = !message.from_business;
    const item = el('li', { class: `message ${mine ? 'mine' : 'theirs'}${follows ? ' follows' : ''} ${message.type}` });
    const box = el('div', { class: 'bubble' }, hidden(mine ? 'You: ' : `${chat.business}: `));
    if (quoted) box.append(this.quote(quoted, chat));
    const { inside, below } = contentOf(message, this.phone, chat);
    box.append(...inside, this.foot(message, mine));
    const reactions = Object.values(message.reactions);
    if (reactions.length) box.append(el('span', { class: 'reactions' }, hidden('Reactions: '), reactions.join(' ')));
    item.append(el('div', { class: 'row' }, box, this.tools(message)), ...below);
    return item;
  }

  quote(quoted, chat) {
    const author = quoted.from_business ? chat.business : 'You';
    return el('blockquote', {}, hidden('In reply to '), el('cite', {}, author), el('span', {}, summaryOf(quoted)));
  }

  foot(message, mine) {
    const time = new Date(message.timestamp * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    const foot = el('span', { class: 'foot' }, time);
    if (mine) foot.append(el('span', { class: `ticks ${message.status}`, role: 'img', 'aria-label': WORDS[message.status] || message.status, title: WORDS[message.status] || message.status }, TICKS[message.status] || '✓'));
    if (message.error_code) foot.append(el('span', { class: 'failed' }, ` not delivered: ${message.error_title} (${message.error_code})`));
    return foot;
  }

  tools(message) {
    const react = (emoji) => this.phone.send('reaction', { message_id: message.id, emoji });
    const mine = message.reactions.customer;
    const choices = QUICK_REACTIONS.map((emoji) =>
      el('button', { type: 'button', 'aria-pressed': String(mine === emoji), 'aria-label': `React ${emoji}`, onclick: () => react(mine === emoji ? '' : emoji) }, emoji));
    const reply = el('button', { type: 'button', class: 'reply', onclick: () => this.composer.quote(message, summaryOf(message)) }, '↩ Reply');
    const menu = el('details', { class: 'tools' }, el('summary', { 'aria-label': 'Reply or react' }, '⌄'), el('div', {}, ...choices, reply));
    menu.addEventListener('click', (event) => { if (event.target.closest('button')) menu.open = false; });
    menu.addEventListener('toggle', () => { if (menu.open) menu.lastChild.scrollIntoView({ block: 'nearest' }); });
    menu.addEventListener('focusout', (event) => { if (!menu.contains(event.relatedTarget)) menu.open = false; });
    menu.addEventListener('keydown', (event) => { if (event.key === 'Escape') { menu.open = false; menu.firstChild.focus(); } });
    return menu;
  }
}
