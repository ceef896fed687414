// The simulator's control API, for one customer's chat with one number.

// This file is at phone/api.js, under / or, behind the gateway, under …/simulator/. The origin is spelt out because a page
// whose own address holds a password may fetch nothing relative to it.
const root = location.origin + new URL('..', import.meta.url).pathname.replace(/(simulator\/)?$/, 'simulator/api');

async function call(method, path, body) {
  const options = { method, headers: body ? { 'Content-Type': 'application/json' } : {} };
  if (body) options.body = JSON.stringify(body);
  const answer = await fetch(root + path, options);
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error || `The simulator answered ${answer.status}.`);
  return data;
}

export const world = () => call('GET', '/world');
export const fileUrl = (id) => `${root}/files/${encodeURIComponent(id)}`;

export class Phone {
  constructor(number, customer) {
    this.customer = customer;
    this.number = number;
  }

  get path() {
    return `/chats/${encodeURIComponent(this.number)}/${encodeURIComponent(this.customer)}`;
  }

  chat(after) {
    return call('GET', after == null ? this.path : `${this.path}?after=${after}&wait=20`);
  }

  send(type, content, extra = {}) {
    return call('POST', `${this.path}/messages`, { type, ...(content && { [type]: content }), ...extra });
  }

  act(action) {
    return call('POST', `${this.path}/actions`, { action });
  }

  played(id) {
    return call('POST', `${this.path}/played`, { message_id: id });
  }

  change(wishes) {
    return call('PATCH', `/customers/${encodeURIComponent(this.customer)}`, wishes);
  }
}
