//! What happens at this moment, for those who look on: nothing is kept, and nobody is waited for.

use std::sync::Arc;

use tokio::sync::broadcast;

/// Events that a slow onlooker may be behind before it misses some.
const BEHIND: usize = 4096;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct LiveEvent {
    /// The kind of the journal's record, or `health` for a server that could, or no longer can, be reached.
    pub kind: &'static str,
    /// A JSON object; of a record all that the journal has but sequence number and chain.
    pub json: Arc<str>,
}

/// Where events are shown.
#[derive(Clone, Debug)]
pub(crate) struct Live(broadcast::Sender<LiveEvent>);

impl Default for Live {
    fn default() -> Self {
        Self(broadcast::Sender::new(BEHIND))
    }
}

impl Live {
    /// Shows an event; it is spelled out only where somebody looks on.
    pub(crate) fn show(&self, kind: &'static str, json: impl FnOnce() -> String) {
        if self.0.receiver_count() > 0 {
            // The last onlooker may just have gone.
            self.0.send(LiveEvent { kind, json: json().into() }).ok();
        }
    }

    /// Looks on from now.
    pub(crate) fn watch(&self) -> broadcast::Receiver<LiveEvent> {
        self.0.subscribe()
    }
}
