//! A server whose vendors are the fakes, in one process and one runtime, so that a paused clock moves them all.

use imagegen_mcp::fake_vendors::{Event, FakeVendors, Ledger, Vendor};
use rmcp::model::CallToolResult;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::harness::{Client, Era, Over, Rig, call};

/// The tool of each vendor, with an environment that points the google tool at one of its two contracts.
pub(crate) const EVERY_VENDOR: [(Vendor, &str); 5] = [
    (Vendor::Replicate, "image.generate.replicate"),
    (Vendor::OpenAi, "image.generate.openai"),
    (Vendor::Gemini, "image.generate.gemini"),
    (Vendor::Imagen, "image.generate.google"),
    (Vendor::Custom, "image.generate.google"),
];

/// A server, its fakes and a client of it.
pub(crate) struct Faked {
    pub(crate) rig: Rig,
    pub(crate) client: Client,
    pub(crate) ledger: Ledger,
    _serving: JoinSet<()>,
}

impl Faked {
    /// The fakes as they are, with the google tool pointed at Imagen.
    pub(crate) async fn new() -> Self {
        Self::of(Vendor::Imagen, &[]).await
    }

    /// With these variables before those of the fakes. `Custom` points the google tool at the endpoint of one's own.
    pub(crate) async fn of(vendor: Vendor, variables: &[(&str, &str)]) -> Self {
        let vendors = FakeVendors::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let endpoint = format!("http://{}/custom/generate", vendors.address());
        let (ledger, fakes) = (vendors.ledger(), vendors.variables());
        let mut all = variables.to_vec();
        if vendor == Vendor::Custom {
            all.push(("GOOGLE_IMAGEN_ENDPOINT", &endpoint));
        }
        all.extend(fakes.iter().map(|(name, value)| (*name, value.as_str())));
        let mut rig = Rig::of(&all);
        let mut serving = JoinSet::new();
        serving.spawn(vendors.serve(CancellationToken::new()));
        let client = rig.client(Over::Pipes, Era::Legacy).await;
        Self { rig, client, ledger, _serving: serving }
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> CallToolResult {
        call(&self.client, tool, arguments).await.unwrap()
    }

    pub(crate) fn count(&self, vendor: Vendor, event: Event) -> u64 {
        self.ledger.count(vendor, event)
    }

    /// Nothing that a vendor refuses was sent, and no key went where pictures are fetched.
    pub(crate) fn assert_clean(&self) {
        for vendor in Vendor::ALL {
            let name = vendor.name();
            assert_eq!(self.count(vendor, Event::Invalid), 0, "{name}: {:#?}", self.ledger.requests());
            assert_eq!(self.count(vendor, Event::KeyLeak), 0, "{name}");
        }
    }
}
