// Building the page. Whatever came over the wire becomes text or a checked link, never markup.

export const byId = (id) => document.getElementById(id);

export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, '');
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child != null && child !== ''));
  return node;
}

export const hidden = (text) => el('span', { class: 'hidden' }, text);

export function link(url, ...children) {
  const safe = /^https?:\/\//i.test(url);
  return safe ? el('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, ...children) : el('span', {}, ...children);
}

const MARKS = [
  [/```([\s\S]+?)```/, 'code'],
  [/(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])/, 'strong'],
  [/(?<![\w_])_(\S(?:[^_\n]*\S)?)_(?![\w_])/, 'em'],
  [/(?<![\w~])~(\S(?:[^~\n]*\S)?)~(?![\w~])/, 's'],
  [/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])/, 'a'],
];

// Text as WhatsApp shows it: *bold*, _italic_, ~struck~, ```code``` and links.
export function richText(text) {
  const found = MARKS.map(([pattern, tag]) => ({ match: pattern.exec(text), tag })).filter((one) => one.match);
  if (!found.length) return [text];
  const { match, tag } = found.reduce((first, one) => (one.match.index < first.match.index ? one : first));
  const inner = tag === 'a' ? link(match[1], match[1]) : el(tag, {}, ...(tag === 'code' ? [match[1]] : richText(match[1])));
  const after = text.slice(match.index + match[0].length);
  return [text.slice(0, match.index), inner, ...richText(after)].filter((part) => part !== '');
}
