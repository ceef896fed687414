"""What a send costs without us: threads that share one `requests.Session` and post the same body, keeping nothing.

    python -m benchmarks.bare_sends URL COUNT THREADS      prints when it began and ended, in seconds
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter


def main() -> None:
    """Post, and print how long it took."""
    url, count, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_maxsize=threads))
    target = f"{url}/v26.0/700100200300400/messages"

    def send(number: int) -> str:
        body = {
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": f"+34600{number:06}",
            "type": "text", "text": {"body": "Hola"}, "biz_opaque_callback_data": f"g1:{number:036}:1",
        }  # fmt: skip
        with session.post(target, json=body, headers={"Authorization": "Bearer EAA"}, timeout=10) as answer:
            return str(answer.json()["messages"][0]["id"])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, range(threads)))
        started = time.time()
        list(pool.map(send, range(count)))
        print(started, time.time())


if __name__ == "__main__":
    main()
