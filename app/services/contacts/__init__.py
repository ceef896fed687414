"""Contacts: persons on WhatsApp, each with one id of ours for all the ids that Meta gives them.

`identity` resolves Meta's ids to contacts. `read`, `export`, `edit`, `handover` and `erase` serve the API; `events`
appends the `contact.updated` events of their changes. `send_rules` checks a send against what the number knows of its
recipient: the 24-hour window and opt-outs.
"""

from app.services.contacts.edit import EditContact
from app.services.contacts.erase import EraseContact
from app.services.contacts.events import consent_data, record_refusal
from app.services.contacts.export import Export, ExportedConversation, export_contact
from app.services.contacts.handover import HandOver
from app.services.contacts.identity import IdentityResolver, aliases_of, lookup_aliases, variants_of
from app.services.contacts.read import ReadContacts
from app.services.contacts.send_rules import MARGIN, WINDOW, check_opt_out, check_window, warnings_for

__all__ = [
    "MARGIN",
    "WINDOW",
    "EditContact",
    "EraseContact",
    "Export",
    "ExportedConversation",
    "HandOver",
    "IdentityResolver",
    "ReadContacts",
    "aliases_of",
    "check_opt_out",
    "check_window",
    "consent_data",
    "export_contact",
    "lookup_aliases",
    "record_refusal",
    "variants_of",
    "warnings_for",
]
