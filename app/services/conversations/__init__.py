"""Conversations: what a contact and one of our numbers wrote to each other, and what the team does about it.

`read` lists, searches and looks conversations up; `thread` reads their messages with what belongs beside them; `acts`
is what people do to them, `answer` what they send, `choices` the labels and quick replies that they choose from;
`news`, `live` and `presence` tell open pages what changes. The rows themselves are kept by those who write messages, in
the same transactions: see `store.conversations`.
"""

from app.services.conversations.acts import ConversationActs
from app.services.conversations.answer import AnswerConversation
from app.services.conversations.choices import ManageLabels, ManageQuickReplies
from app.services.conversations.live import Listener, LiveNews
from app.services.conversations.news import NewsPlace, ReadNews
from app.services.conversations.presence import NotePresence
from app.services.conversations.read import ReadConversations
from app.services.conversations.thread import ReadThread
from app.services.conversations.types import Conversation, Note, Quoted, Thread, ThreadMessage

__all__ = [
    "AnswerConversation",
    "Conversation",
    "ConversationActs",
    "Listener",
    "LiveNews",
    "ManageLabels",
    "ManageQuickReplies",
    "NewsPlace",
    "Note",
    "NotePresence",
    "Quoted",
    "ReadConversations",
    "ReadNews",
    "ReadThread",
    "Thread",
    "ThreadMessage",
]
