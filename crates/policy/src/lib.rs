//! Policy documents: read, check, compile, decide, explain.
