"""How fast lists and searches are among very many messages."""
