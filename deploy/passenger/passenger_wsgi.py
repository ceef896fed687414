"""What Phusion Passenger starts; its directives are in whatsapp-service.conf beside this file.

Shared hosts ask for a file of this name in the application's folder: copy it there.
"""

import os
import sys

ROOT = os.environ.get("WHATSAPP_SERVICE_ROOT") or os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, ROOT)

from wsgi import app as application  # noqa: E402, F401
