//! Whatever a tool's schema lets a caller ask for, no vendor is sent what it refuses. Arguments are thrown at random from
//! the tools' own tables of fields; the fakes check what arrives against the vendors' schemas.

use imagegen_mcp::Tool;
use imagegen_mcp::fake_vendors::{Event, Vendor};
use imagegen_mcp::tool::{Field, Kind};
use serde_json::{Map, Value, json};

use crate::faked::Faked;
use crate::harness::{call, text};

/// Calls for each vendor.
const CALLS: u32 = 150;
/// A white dot.
const DOT: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC";

/// A dot of the same size that can be seen through.
const MASK: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4//8/AwAI/AL+p5qgoAAAAABJRU5ErkJggg==";

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.throw(from.len())]
    }
}

const SIZES: [&str; 14] = [
    "1024x1024",
    "1536x1024",
    "1344x768",
    "1x1",
    "9999x9999",
    "100x3000",
    "3000x100",
    "auto",
    "wide",
    "2K",
    "4096x4096",
    "1000x1001",
    "512x512",
    "0x0",
];
const RATIOS: [&str; 10] = ["1:1", "16:9", "9:16", "21:9", "4:5", "1:8", "2.39:1", "wide", "0:0", "8:1"];
const SIDES: [u64; 10] = [1, 15, 255, 256, 640, 1000, 1441, 4096, 4097, 1_000_000_000];
const SEEDS: [i64; 6] = [0, 7, -1, i64::MAX, i64::MIN, 4_294_967_296];

fn models(vendor: Vendor) -> &'static [&'static str] {
    match vendor {
        Vendor::Replicate => {
            &["black-forest-labs/flux-1.1-pro", "qwen/qwen-image", "bytedance/seedream-4", "fake/sketch"]
        }
        Vendor::OpenAi => &[
            "gpt-image-2",
            "gpt-image-2.5-flare",
            "gpt-image-2.6-flare",
            "gpt-image-2.6-sunburst",
            "gpt-image-1.5",
            "gpt-image-1-mini",
        ],
        Vendor::Gemini => &["gemini-3.1-flash-image", "gemini-3-pro-image", "gemini-2.5-flash-image"],
        Vendor::Imagen | Vendor::Custom | Vendor::Delivery => &["imagen-4.0-generate-001"],
    }
}

fn value(field: &Field, vendor: Vendor, dice: &mut Dice) -> Value {
    match (field.kind, field.name) {
        (Kind::Text, "size") => dice.pick(&SIZES).into(),
        (Kind::Text, "aspectRatio") => dice.pick(&RATIOS).into(),
        (Kind::Text, "model") => dice.pick(models(vendor)).into(),
        (Kind::Text, "image") => DOT.into(),
        (Kind::Text, "mask") => MASK.into(),
        (Kind::Text, _) => dice.pick(&["", "plain words", "\u{1F3A8} \"quoted\" \\ \n"]).into(),
        (Kind::Texts, _) => vec![Value::from(DOT); 1 + dice.throw(3)].into(),
        (Kind::Positive, _) => dice.pick(&SIDES).into(),
        (Kind::UpTo(most), _) => (1 + dice.throw(usize::from(most))).into(),
        (Kind::Integer, _) => dice.pick(&SEEDS).into(),
        (Kind::Flag, _) => (dice.throw(4) == 0).into(),
        (Kind::Choice(words), _) => dice.pick(words).into(),
    }
}

fn arguments(tool: Tool, vendor: Vendor, dice: &mut Dice) -> Map<String, Value> {
    let mut arguments = Map::new();
    for field in tool.fields() {
        // Nothing is drawn: the fakes check first, and then have no picture to give.
        if field.name == "prompt" {
            let end = match vendor {
                Vendor::Replicate => "failed",
                Vendor::Gemini => "no-candidates",
                _ => "no-data",
            };
            arguments.insert("prompt".to_owned(), format!("p [fake:{end}]").into());
        } else if dice.throw(3) == 0 && field.name != "dryRun" {
            arguments.insert(field.name.to_owned(), value(field, vendor, dice));
        }
    }
    arguments
}

async fn throw(vendor: Vendor, tool: Tool, seed: u64) {
    let faked = Faked::of(vendor, &[]).await;
    let mut dice = Dice(seed);
    let mut sent = 0;
    for _ in 0..CALLS {
        let arguments = arguments(tool, vendor, &mut dice);
        let before = faked.count(vendor, Event::Create);
        let result = call(&faked.client, tool.name(), arguments.clone().into()).await.unwrap();
        let last = faked.ledger.requests().pop();
        assert_eq!(
            faked.count(vendor, Event::Invalid),
            0,
            "{} refuses what was made of {}:\n{last:#?}\n{}",
            vendor.name(),
            json!(arguments),
            text(&result)
        );
        sent += faked.count(vendor, Event::Create) - before;
    }
    assert!(sent >= u64::from(CALLS) / 2, "only {sent} of {CALLS} calls came through to {}", vendor.name());
}

#[tokio::test(start_paused = true)]
async fn replicate_is_sent_nothing_that_it_refuses() {
    throw(Vendor::Replicate, Tool::Replicate, 0x9E37_79B9_7F4A_7C15).await;
}

#[tokio::test(start_paused = true)]
async fn openai_is_sent_nothing_that_it_refuses() {
    throw(Vendor::OpenAi, Tool::OpenAi, 0x9E37_79B9_7F4A_7C16).await;
}

#[tokio::test(start_paused = true)]
async fn gemini_is_sent_nothing_that_it_refuses() {
    throw(Vendor::Gemini, Tool::Gemini, 0x9E37_79B9_7F4A_7C17).await;
}

#[tokio::test(start_paused = true)]
async fn imagen_is_sent_nothing_that_it_refuses() {
    throw(Vendor::Imagen, Tool::Google, 0x9E37_79B9_7F4A_7C18).await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_of_ones_own_is_sent_nothing_that_it_refuses() {
    throw(Vendor::Custom, Tool::Google, 0x9E37_79B9_7F4A_7C19).await;
}
