"""People of the team: who they are, and how they sign in.

`manage` adds, changes and removes people and makes their sign-in links. `sign_in` turns a link into a session, once,
and finds the person of a session. Tokens of links and sessions are random and are stored as hashes only, so that a
copy of the database lets nobody in.
"""

from app.services.people.manage import LINK_LIFETIME, ManagePeople, PersonView
from app.services.people.sign_in import LinkState, SignIn

__all__ = ["LINK_LIFETIME", "LinkState", "ManagePeople", "PersonView", "SignIn"]
