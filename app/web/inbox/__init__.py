"""The pages for people: sign-in, and what every page shares.

`access` says who may use a page, `visits` holds the cookie, `headers` what browsers are told, `assets` serves files,
`languages` chooses words and times. A page's blueprint is declared by `pages(role, bp)` and registered here.
"""

from __future__ import annotations

from flask import Flask

from app.web.inbox import (
    acts,
    answers,
    app_shell,
    assets,
    attachments,
    choices,
    conversations,
    house,
    keys,
    languages,
    live,
    me,
    media,
    navigation,
    nowhere,
    people,
    sign_in,
    stories,
    template_picker,
    visits,
)


def keep_sessions(app: Flask, secret_key: str) -> None:
    """Sign cookies and the tokens of forms by this key."""
    app.session_interface = visits.Visits(secret_key)
    app.config["WTF_CSRF_SECRET_KEY"] = secret_key
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # a token lasts as long as the session that it belongs to


def init_app(app: Flask) -> None:
    """Register the pages, and what they need of the application."""
    languages.init_app(app)
    navigation.init_app(app)
    for module in (
        assets, app_shell, sign_in, conversations, answers, attachments, acts, live, media, template_picker, me,
        choices, people, keys, house, stories, nowhere,
    ):  # fmt: skip
        app.register_blueprint(module.bp)
    app.register_blueprint(sign_in.out)
    app.register_blueprint(stories.admin_bp)
