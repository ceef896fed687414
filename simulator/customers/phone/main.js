// The customer's phone: follow one chat, and show what changes.
import { Phone, world } from './api.js';
import { byId } from './dom.js';
import { MessageList } from './messages.js';
import { Composer } from './composer.js';
import { openSettings } from './settings.js';

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function start() {
  const { numbers, customers } = await known();
  const wanted = new URLSearchParams(location.search);
  const phone = new Phone(wanted.get('number') || numbers[0].phone_number_id, wanted.get('customer') || customers[0].wa_id);
  const composer = new Composer(phone);
  const list = new MessageList(phone, composer);
  let chat;
  byId('open-settings').addEventListener('click', () => chat && openSettings(phone, chat));
  for (;;) {
    try {
      chat = await phone.chat(chat && chat.version);
      showBusiness(chat);
      list.show(chat);
    } catch {
      byId('presence').textContent = 'not connected';
      await pause(1000);
    }
  }
}

async function known() {
  for (;;) {
    try {
      return await world();
    } catch {
      await pause(1000);
    }
  }
}

let dots;

function showBusiness(chat) {
  byId('business').textContent = chat.business;
  byId('avatar').textContent = initials(chat.business);
  document.title = `${chat.customer.name}’s phone`;
  const rest = chat.has_blocked ? 'blocked' : `+${chat.business_number}`;
  byId('presence').textContent = chat.business_types ? 'typing…' : rest;
  clearTimeout(dots);
  if (chat.business_types) dots = setTimeout(() => (byId('presence').textContent = rest), 25000);
}

function initials(name) {
  return name.split(/\s+/).slice(0, 2).map((word) => [...word][0] || '').join('').toUpperCase();
}

// A button whose answer could not be sent says so where the writing is.
addEventListener('unhandledrejection', (event) => { byId('notice').textContent = event.reason.message; });

start();
