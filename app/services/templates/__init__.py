"""Templates: Meta's definitions of an account's approved templates, kept in memory for some minutes.

A process asks Meta for them when a page needs one; nothing is stored. What a template needs to be filled in with, and
the send that fills it, are in `domain.template_parameters`.
"""

from app.services.templates.read import ReadTemplates

__all__ = ["ReadTemplates"]
