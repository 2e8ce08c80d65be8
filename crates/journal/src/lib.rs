//! The journal: an append-only record of what the gateway decided and what became of it, as JSON lines in
//! segment files. Each record is chained to the one before it by a hash, and checkpoints are signed, so that
//! [`verify_directory`] finds any edited, reordered or removed record offline.
//!
//! [`Journal`] writes; [`Records`] reads, from any record on, and follows; [`Exporter`] turns records into
//! other formats. The record, the chain and the verifier open no file; `store` is thin around them.
//! Nothing here knows MCP, policies, async or the network, and no clock is read: times are parameters.

mod chain;
mod error;
mod export;
mod hash;
mod journal;
mod key;
mod lines;
mod lock;
mod options;
mod record;
mod store;
mod verify;
mod view;

pub use chain::Chain;
pub use error::{AppendError, OpenError, ReadError, UpkeepError};
pub use export::{ExportError, Exporter, Format, UnknownFormat};
pub use hash::Hash;
pub use journal::{Appended, Journal, OnSynced, Recovery, Urgency};
pub use key::{PublicKey, Signer};
pub use lines::MAX_LINE;
pub use lock::Lock;
pub use options::{Durability, Options, Retention};
pub use record::{Kind, Latency, Limit, Outcome, Record};
pub use store::audit::verify_directory;
pub use store::disk::{Disk, LocalDisk, SegmentFile};
pub use store::keys::{KeyError, public_key, public_key_file};
pub use store::records::{RecordLine, Records, last_seq, records_of_request};
pub use store::writer::SyncState;
pub use verify::{Fault, Place, Position, Report, Verifier};
pub use view::{LatencyView, LimitView, PrunedView, RecordView, Text};
