"""What the tests start and speak with: the gateway, servers, and a client that writes raw messages."""
