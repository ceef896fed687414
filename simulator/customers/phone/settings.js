// The settings of this phone: who its owner is, and what they let the business know and do.
import { byId } from './dom.js';
import { world } from './api.js';
import { ask, box, field, found as chosenOf, search, select } from './sheets.js';

export async function openSettings(phone, chat) {
  const { customer } = chat;
  const { numbers, customers } = await world(); // whoever was met since the page was opened is there, too
  const people = customers.map((one) => [one.wa_id, `${one.name} +${one.wa_id}`]);
  const found = await ask(`${customer.name}’s phone`, 'Save', [
    field('name', 'Name', { value: customer.name, required: true }),
    field('wa_id', 'Number', { value: `+${customer.wa_id}`, inputmode: 'tel', pattern: '[+\\d\\s\\-()]{5,24}', required: true }),
    field('username', 'Username', { value: customer.username || '' }),
    box('shows_number', 'Show my number', customer.shows_number, 'Off: the business knows only your user id'),
    box('sends_read_receipts', 'Read receipts', customer.sends_read_receipts),
    box('marketing', 'Marketing messages', !chat.stopped_marketing),
    box('has_blocked', `Block ${chat.business}`, chat.has_blocked),
    select('number', 'Talk to', numbers.map((one) => [one.phone_number_id, `${one.verified_name} +${one.display_phone_number}`]), phone.number),
    search('customer', 'Be', people, customer.wa_id),
  ]);
  if (!found) return;
  found.customer = chosenOf(people, found.customer);
  try {
    await save(phone, chat, found);
  } catch (error) {
    byId('notice').textContent = error.message;
  }
}

async function save(phone, chat, found) {
  const { customer } = chat;
  if (found.has_blocked !== chat.has_blocked) await phone.act(found.has_blocked ? 'block' : 'unblock');
  if (found.marketing === chat.stopped_marketing) await phone.act(found.marketing ? 'resume_marketing' : 'stop_marketing');
  const wishes = { name: found.name, username: found.username, shows_number: found.shows_number, sends_read_receipts: found.sends_read_receipts };
  const digits = found.wa_id.replace(/\D/g, '');
  if (digits !== customer.wa_id) wishes.wa_id = digits;
  await phone.change(wishes);
  if (found.customer !== customer.wa_id || found.number !== phone.number || wishes.wa_id) {
    const next = found.customer !== customer.wa_id ? found.customer : digits;
    location.search = new URLSearchParams({ customer: next, number: found.number });
  }
}
