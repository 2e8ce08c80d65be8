//! The ImageGen MCP server.
