"""A bot of two handlers. Try it: HANDLERS=examples.handlers_bot ./run.sh"""


def register(on):
    @on.message(type="text")
    def answer(message, client):
        if message["message"].strip().lower() == "menu":
            client.send(
                {
                    "type": "interactive",
                    "interactive": {
                        "type": "button",
                        "body": {"text": "What can we do for you?"},
                        "action": {
                            "buttons": [
                                {"type": "reply", "reply": {"id": "order", "title": "Where is my order?"}},
                                {"type": "reply", "reply": {"id": "hours", "title": "Opening hours"}},
                            ]
                        },
                    },
                }
            )
        else:
            client.reply(f"You said: {message['message']}. Write menu to see what I can do.", reply_to=message["id"])

    @on.message(type="button")
    def pressed(message, client):
        answers = {"order": "It is on its way.", "hours": "Monday to Friday, 9 to 18."}
        client.reply(answers.get(message["content"]["id"], "I do not know that button."))
