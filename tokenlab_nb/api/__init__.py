"""HOW it is said over HTTP: pure `wire`, frozen `replies`, and one small async `client`."""
