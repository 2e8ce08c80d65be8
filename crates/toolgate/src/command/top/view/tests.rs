//! Screens as they are drawn, compared with those in `screens.txt`.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyModifiers};
use ratatui::style::{Color, Style};

use super::super::look::Look;
use super::super::onlooker::{Health, Index, ServerHealth};
use super::*;

const NOW: Duration = Duration::from_secs(5);

fn polled() -> Polled {
    let server = |name: &str, enabled, health| Server { name: name.to_owned(), enabled, health };
    let health = |down, in_flight, tools| Some(ServerHealth { down, in_flight, places: 512, tools });
    let limit = |counter: &str, used: &str, max: &str, shadow| Limit {
        policy: "images".to_owned(),
        counter: counter.to_owned(),
        subject: "alice@imagegen".to_owned(),
        shadow,
        used: used.to_owned(),
        max: max.to_owned(),
    };
    Polled {
        health: Health {
            condition: "degraded".to_owned(),
            version: "1.2.3".to_owned(),
            data_plane: Some("127.0.0.1:8420".to_owned()),
            sessions: 3,
            calls_in_flight: 2,
            index: Index { lag_records: 7 },
        },
        servers: vec![
            server("imagegen", true, health(false, 2, Some(5))),
            server("everything", true, health(true, 0, None)),
            server("old", false, None),
            server("sneaky\u{1b}[2J", true, None),
        ],
        limits: vec![
            limit("rate", "10", "10", false),
            limit("cost", "0.82", "1.0", true),
            limit("day", "1", "0", false),
        ],
    }
}

fn busy() -> Picture {
    let mut picture = Picture::default();
    picture.polled(polled());
    picture.listening(Duration::ZERO);
    for json in [
        r#"{"ts":"2026-10-01T12:00:01.5Z","outcome":"allow","grant":"alice","server":"imagegen","tool":"draw"}"#,
        r#"{"ts":"2026-10-01T12:00:02.5Z","outcome":"deny","grant":"alice","server":"imagegen","tool":"draw","rule":"/tools/draw/limits/0"}"#,
    ] {
        picture.happened("decision", json.as_bytes(), Duration::from_secs(1));
    }
    for (kind, json) in [
        (
            "outcome",
            r#"{"ts":"2026-10-01T12:00:03.5Z","outcome":"ok","grant":"alice","server":"imagegen","tool":"draw","latency_us":{"gateway":41,"upstream":900}}"#,
        ),
        ("health", r#"{"ts":"2026-10-01T12:00:04Z","server":"everything","detail":"cannot be reached"}"#),
        (
            "refused",
            r#"{"ts":"2026-10-01T12:00:05Z","client":"192.0.2.1","detail":"console_unauthorized","count":3}"#,
        ),
        ("missed", r#"{"count":12}"#),
    ] {
        picture.happened(kind, json.as_bytes(), NOW);
    }
    picture
}

fn terminal(picture: &Picture, look: &Look, (width, height): (u16, u16)) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(picture, (look, NOW), frame.area(), frame.buffer_mut())).unwrap();
    terminal
}

fn screen(picture: &Picture, look: &Look, size: (u16, u16)) -> String {
    let terminal = terminal(picture, look, size);
    let cells = terminal.backend().buffer();
    let rows = cells.content().chunks(usize::from(size.0));
    let line = |row: &[ratatui::buffer::Cell]| {
        let text: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.trim_end().to_owned()
    };
    rows.map(line).collect::<Vec<_>>().join("\n")
}

fn with_help(mut look: Look) -> Look {
    look.press(KeyCode::Char('?'), KeyModifiers::NONE);
    look
}

/// `UPDATE_SCREENS=1` writes the file instead.
#[test]
fn screens_are_drawn_as_they_should_be() {
    let plain = Look::new(Colours::Off);
    let mut scrolled = plain;
    for key in [KeyCode::Tab, KeyCode::Tab, KeyCode::Down, KeyCode::Down] {
        scrolled.press(key, KeyModifiers::NONE);
    }
    let mut lost = busy();
    lost.lost("cannot reach the gateway at 127.0.0.1:8421".to_owned());
    let mut back = lost.clone();
    back.polled(polled());
    let mut deaf = busy();
    deaf.deaf("there are 4 open streams of this sign-in already".to_owned());
    let mut drawn = String::new();
    for (title, picture, look, size) in [
        ("before the gateway answered", &Picture::default(), plain, (100, 12)),
        ("at work", &busy(), plain, (100, 20)),
        ("the events scrolled", &busy(), scrolled, (100, 12)),
        ("help", &busy(), with_help(plain), (100, 20)),
        ("away", &lost, plain, (100, 12)),
        ("back again", &back, plain, (100, 12)),
        ("without events", &deaf, plain, (100, 12)),
        ("a small terminal", &busy(), plain, (40, 8)),
    ] {
        drawn.push_str(&format!("== {title}\n{}\n", screen(picture, &look, size)));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/command/top/view/screens.txt");
    if std::env::vars_os().any(|(name, _)| name == "UPDATE_SCREENS") {
        std::fs::write(path, &drawn).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(drawn == expected, "the screens are others than in {path}:\n{drawn}");
}

#[test]
fn colours_are_shown_where_they_are_wanted() {
    let colours_of = |colours| {
        let terminal = terminal(&busy(), &Look::new(colours), (100, 20));
        let cells = terminal.backend().buffer().content().to_vec();
        cells.into_iter().map(|cell| cell.style()).collect::<Vec<_>>()
    };
    let plain = Style::new().fg(Color::Reset).bg(Color::Reset);
    assert!(colours_of(Colours::Off).iter().all(|style| style.fg == plain.fg && style.bg == plain.bg));
    assert!(colours_of(Colours::On).iter().any(|style| style.fg == Some(Color::Red)));
}

#[test]
fn no_terminal_is_too_small() {
    for width in 1..30 {
        for height in 1..12 {
            let look = with_help(Look::new(Colours::On));
            terminal(&busy(), &look, (width, height));
        }
    }
}
