"""How messages look: view models of bubbles, made of normalised messages, for the templates of a thread.

Whatever a customer, a template or Meta wrote is data here. The only HTML made in Python is that of WhatsApp's markup
(`markup`), where every piece passes `escape`; all else is escaped by the templates. An address becomes a link only by
`values.safe_url`, and a file is loaded only from a path of this gateway (`files.own_path`).
"""

from app.web.inbox.rendering.bubbles import Beside, bubble, bubbles
from app.web.inbox.rendering.failures import explain
from app.web.inbox.rendering.markup import one_line, rich_text
from app.web.inbox.rendering.parts import Bubble, Framed
from app.web.inbox.rendering.templates import read_template

__all__ = ["Beside", "Bubble", "Framed", "bubble", "bubbles", "explain", "one_line", "read_template", "rich_text"]
