"""The story of a message: one search box, and one page that tells all that happened to it.

`finding` searches, `show` shows the page, `acts` are its buttons, `telling` puts what happened into words.
"""

from app.web.inbox.stories import acts, finding, show
from app.web.inbox.stories.blueprint import admin_bp, bp

__all__ = ["acts", "admin_bp", "bp", "finding", "show"]
