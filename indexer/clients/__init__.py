"""How each kind of client asks: a dialect is a room with its routes and its shape of an answer."""
