//! The Model Context Protocol on the wire: envelope, revisions, headers, event streams, client legs.
