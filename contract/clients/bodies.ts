// What every client in TypeScript is asked to send, by the recipient that is its own.

export const gateway = process.env.GATEWAY ?? "";
export const key = process.env.KEY ?? "";
export const authorization = { Authorization: `Bearer ${key}` };

export const short = (to: string) => ({ to, message: "Hola" });
export const buttons = (to: string) => ({
  type: "interactive" as const,
  to,
  interactive: {
    type: "button" as const,
    body: { text: "Today?" },
    action: { buttons: [{ type: "reply" as const, reply: { id: "yes", title: "Yes" } }] },
  },
});
export const template = (to: string) => ({
  type: "template" as const,
  to,
  mode: "queued" as const,
  template: {
    name: "ready",
    language: { code: "es" },
    components: [{ type: "body" as const, parameters: [{ type: "text" as const, text: "Ana" }] }],
  },
});
export const rows = (to: string, name: string) => ({
  messages: [
    { to, message: "one", idempotency_key: `${name}-1` },
    { type: "text" as const, to, text: { body: "two" } },
  ],
});
export const endpoint = (name: string) => ({ url: `https://app.example.com/${name}`, paused: true });

export function assert(fact: unknown, what: string): asserts fact {
  if (!fact) throw new Error(what);
}

export function titleOf(content: unknown): string {
  return (content as { action: { buttons: { reply: { title: string } }[] } }).action.buttons[0].reply.title;
}
