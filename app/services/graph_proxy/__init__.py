"""The Graph-compatible proxy: Cloud API SDKs call it, and it calls Graph with the tokens of the gateway.

`allowlist` says which of Graph's endpoints it serves and which scope each needs, `fields` checks the parameter
`fields`. `proxy` finds the number whose token a call needs and makes the call, `uploads` does so for resumable uploads.
`certificate` makes certificates for Meta's host names; it is imported as a module, since it loads `cryptography`, which
a start does not need.
"""

from app.services.graph_proxy import allowlist
from app.services.graph_proxy.allowlist import NOT_FOR_META, PARAMETERS
from app.services.graph_proxy.proxy import GraphProxy, ProxyAnswer, ProxyCall
from app.services.graph_proxy.uploads import GraphUploads

__all__ = ["NOT_FOR_META", "PARAMETERS", "GraphProxy", "GraphUploads", "ProxyAnswer", "ProxyCall", "allowlist"]
