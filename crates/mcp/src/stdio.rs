//! The client leg over a child process: newline-delimited JSON-RPC on its standard streams.
