"""A shop's day for the pictures of the inbox: customers write through the simulator, the shop answers by the API."""

from __future__ import annotations

import base64
import io
import struct
import time
import zlib
from typing import Any

import requests

NUMBER = "700100200300400"
KEY = "drill-key-0123456789abcdef0123456789"
ANA = "5491112345678"

PEOPLE = (
    ("34600111222", "Bruno Díaz", "¿Hacen envíos a Valencia?"),
    ("5215512345678", "Carmen Ruiz", "Gracias, llegó todo perfecto 🙌"),
    ("5511987654321", "João Pereira", "Vocês abrem aos domingos?"),
    ("447700900123", "Emma Clarke", "Could you send me the invoice, please?"),
    ("5491187654321", "Diego Luna", "Te paso la ubicación"),
    ("34611222333", "Elena Martín", "Ya hice la transferencia"),
    ("351912345678", "Inês Costa", "Obrigada!"),
    ("5491155550101", "Florencia", "*Urgente*: el pedido llegó roto"),
)


class Day:
    """Writes as customers and answers as the shop."""

    def __init__(self, gateway: str, simulator: str) -> None:
        self.gateway, self.simulator = gateway.rstrip("/"), simulator.rstrip("/")
        self._key = {"Authorization": f"Bearer {KEY}"}

    def write(self, customer: str, kind: str, content: Any = None, **more: Any) -> dict[str, Any]:
        """Write as a customer; return the simulator's message."""
        body = {"type": kind, kind: content, **more} if content is not None else {"type": kind, **more}
        return self._post(f"{self.simulator}/simulator/api/chats/{NUMBER}/{customer}/messages", body)

    def send(self, customer: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send as the shop's own software, and wait for Meta."""
        return self._post(f"{self.gateway}/send/whatsapp", {"to": f"+{customer}", **body}, self._key)

    def fault(self, **fault: Any) -> None:
        """Let something go wrong at the simulated Meta."""
        self._post(f"{self.simulator}/simulator/api/faults", fault)

    def template(self, name: str, components: list[dict[str, Any]], **more: Any) -> None:
        """Have a template approved."""
        path = f"{self.gateway}/graph/v26.0/900100200300400/message_templates"
        body = {"name": name, "language": "es", "category": "UTILITY", "components": components, **more}
        self._post(path, body, self._key)

    def conversation(self, customer: str) -> str:
        """Return the id of a customer's conversation, once there is one."""
        for _ in range(100):
            where, asked = f"{self.gateway}/api/conversations", {"state": "all", "limit": "100"}
            answer = requests.get(where, params=asked, headers=self._key, timeout=10)
            for each in answer.json()["data"]:
                if each["contact"]["wa_id"] == customer:
                    return str(each["id"])
            time.sleep(0.1)
        raise TimeoutError(customer)

    def api(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Call the gateway's API."""
        answer = requests.request(method, f"{self.gateway}{path}", json=body, headers=self._key, timeout=30)
        if not answer.ok:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found

    def _post(self, url: str, body: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
        answer = requests.post(url, json=body, headers=headers, timeout=30)
        if not answer.ok:
            raise RuntimeError(f"{url}: {answer.status_code} {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found


def live(day: Day) -> None:
    """Let the whole day happen."""
    _templates(day)
    for wa_id, _name, said in PEOPLE:
        day.write(wa_id, "text", {"body": said})
    for wa_id, name, _said in PEOPLE:
        requests.patch(f"{day.simulator}/simulator/api/customers/{wa_id}", json={"name": name}, timeout=10)
        day.write(wa_id, "text", {"body": dict((p[0], p[2]) for p in PEOPLE)[wa_id]})
    time.sleep(1.1)
    day.send("34600111222", {"message": "¡Sí, Bruno! Llega en 48 horas."})
    day.send("351912345678", {"message": "De nada, Inês! 💛"})
    day.write("5491187654321", "location", {"latitude": -34.6037, "longitude": -58.3816, "name": "Obelisco"})
    _ana(day)
    _team(day)


def _team(day: Day) -> None:
    """What the team does: labels, a note, a quick reply."""
    made = {name: day.api("POST", "/api/labels", {"name": name})["id"] for name in ("Envíos", "Reclamo", "Mayorista")}
    for customer, names in ((ANA, ["Reclamo"]), ("34600111222", ["Envíos"]), ("34611222333", ["Mayorista", "Envíos"])):
        path = f"/api/conversations/{day.conversation(customer)}"
        day.api("PUT", f"{path}/labels", {"labels": [made[name] for name in names]})
    note = {"text": "Ya avisé al depósito: cambio sin cargo."}
    day.api("POST", f"/api/conversations/{day.conversation(ANA)}/notes", note)
    for customer in ("34600111222", "351912345678", "5215512345678", ANA):
        contact = day.api("GET", f"/api/conversations/{day.conversation(customer)}")["contact"]["id"]
        day.api("POST", f"/api/contacts/{contact}/handover", {"to": "human"})


def _ana(day: Day) -> None:
    day.write(ANA, "text", {"body": "Hola! 👋 Quiero saber por mi pedido *A-1042*"})
    buttons = ["Mi pedido", "Horarios", "Hablar con alguien"]
    time.sleep(1.1)
    day.send(ANA, {"message": "Hola Ana 👋 ¿Qué necesitás?", "buttons": buttons})
    time.sleep(1.1)
    day.write(ANA, "interactive", {"type": "button_reply", "button_reply": {"id": "3", "title": "Hablar con alguien"}})
    day.write(ANA, "text", {"body": "Me llegó esto, no es lo que pedí:"})
    pixels = base64.b64encode(picture_of(640, 420)).decode()
    picture = {"data": pixels, "mime_type": "image/png", "filename": "caja.png"}
    day.write(ANA, "image", None, file=picture)
    address = "La dirección es:\n> San Martín 1220, 2° B\n- timbre roto\n- llamar al +54 9 11 1234 5678"
    asked = day.write(ANA, "text", {"body": address})
    time.sleep(1.1)
    answer = day.send(ANA, {"message": "Uy, perdón. Te lo cambiamos hoy mismo ✅", "reply_to": asked["id"]})
    time.sleep(1)
    day.write(ANA, "reaction", {"message_id": answer["message_id"], "emoji": "❤️"})
    document = {"link": "https://files.example/remito.pdf", "filename": "remito-1042.pdf"}
    day.send(ANA, {"type": "document", "document": document})
    day.fault(kind="fail", code=131026, times=1)
    day.send(ANA, {"message": "El correo pasa entre las 14 y las 18."})
    time.sleep(1.5)
    day.write(ANA, "text", {"body": "Genial, ¡gracias! 🙏"})
    day.write(ANA, "text", {"body": "👍"})


def _templates(day: Day) -> None:
    day.template("pedido_enviado", [
        {"type": "HEADER", "format": "TEXT", "text": "Tu pedido está en camino"},
        {"type": "BODY", "text": "Hola *{{1}}*, tu pedido {{2}} ya salió y llega el {{3}}.",
         "example": {"body_text": [["Ana", "A-1042", "martes"]]}},
        {"type": "FOOTER", "text": "Tienda del Sur"},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Gracias"}]},
    ])  # fmt: skip


def picture_of(width: int, height: int) -> bytes:
    """Return a PNG: a calm gradient that stands for a photograph."""
    rows = io.BytesIO()
    for y in range(height):
        rows.write(b"\0")
        for x in range(width):
            near = ((x - width * 0.62) ** 2 + (y - height * 0.4) ** 2) ** 0.5 / width
            shade = max(0.0, 1 - near * 1.6)
            green = 90 + 90 * shade * (1 - y / height)
            rows.write(bytes((int(60 + 150 * shade), int(green), int(110 + 60 * (1 - shade)))))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(rows.getvalue(), 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
