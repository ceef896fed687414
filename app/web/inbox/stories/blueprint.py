"""The blueprints of stories: what everybody may do with messages of numbers that they see, and what only admins may."""

from __future__ import annotations

from flask import Blueprint

from app.web.inbox.access import pages

bp = pages("agent", Blueprint("inbox_story", __name__, url_prefix="/inbox/messages"))
admin_bp = pages("admin", Blueprint("inbox_story_admin", __name__, url_prefix="/inbox/messages"))
