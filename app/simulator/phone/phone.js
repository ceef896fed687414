// The customer's phone. Everything that came over the wire is put on the page as text, never as markup.
const api = '/simulator/api';
const list = document.getElementById('messages');
let path = '';
let version = -1;

async function start() {
  const world = await (await fetch(`${api}/world`)).json();
  const wanted = new URLSearchParams(location.search).get('customer');
  path = `${api}/chats/${world.numbers[0].phone_number_id}/${encodeURIComponent(wanted || world.customers[0].wa_id)}`;
  for (;;) {
    try {
      show(await (await fetch(version < 0 ? path : `${path}?after=${version}&wait=20`)).json());
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1000)); // the simulator is starting again
    }
  }
}

function show(chat) {
  version = chat.version;
  document.getElementById('business').textContent = chat.business;
  document.getElementById('presence').textContent = chat.business_types ? 'typing…' : `+${chat.business_number}`;
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  list.replaceChildren(...chat.messages.map(bubble));
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function bubble(message) {
  const item = document.createElement('li');
  item.className = message.from_business ? 'theirs' : 'mine';
  item.append(message.type === 'text' ? message.content.body : `[${message.type}] ${message.content.caption || ''}`);
  const foot = document.createElement('footer');
  foot.append(new Date(message.timestamp * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }));
  if (!message.from_business) foot.append(ticks(message.status));
  item.append(foot);
  return item;
}

function ticks(status) {
  const mark = document.createElement('span');
  mark.className = status;
  mark.textContent = status === 'sent' ? ' ✓' : ' ✓✓';
  mark.setAttribute('aria-label', status);
  mark.setAttribute('role', 'img');
  return mark;
}

document.getElementById('write').addEventListener('submit', async (event) => {
  event.preventDefault();
  const input = document.getElementById('text');
  const body = input.value.trim();
  if (!body) return;
  input.value = '';
  await fetch(`${path}/messages`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ type: 'text', text: { body } }),
  });
});

start();
