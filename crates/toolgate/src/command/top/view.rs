//! The picture drawn: a pure function from state to cells.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph, Widget as _};

use super::look::{Look, Part};
use super::onlooker::{Limit, Polled, Server};
use super::picture::{Happening, Picture};
use crate::shell::{Colours, Tone, counted, printable};

const HELP: [&str; 6] = [
    "q, esc                     end",
    "tab, left, right           another part",
    "up, down, page up, home    scroll it",
    "?                          this help",
    "",
    "Rates are of the last 10 seconds, added latency is of the last 2000 calls.",
];

/// Draws the picture, as somebody looks at it at a time.
pub(super) fn draw(picture: &Picture, (look, now): (&Look, Duration), area: Rect, cells: &mut Buffer) {
    let paint = Paint(look.colours);
    let rows = [Constraint::Length(3), Constraint::Percentage(45), Constraint::Min(3)];
    let [head, middle, events] = Layout::vertical(rows).areas(area);
    let [servers, limits] =
        Layout::horizontal([Constraint::Percentage(45), Constraint::Min(20)]).areas(middle);
    Paragraph::new(heading(picture, now, paint)).render(head, cells);
    let (mut server_rows, mut limit_rows) = (Vec::new(), Vec::new());
    if let Some(polled) = &picture.polled {
        server_rows.extend(polled.servers.iter().map(|each| server(each, paint)));
        limit_rows.extend(polled.limits.iter().map(|each| limit(each, paint)));
    }
    part((Part::Servers, "Servers"), server_rows, look, servers, cells);
    part((Part::Limits, "Limits"), limit_rows, look, limits, cells);
    let event_rows = picture.events.iter().map(|event| happening(event, paint)).collect();
    part((Part::Events, "Last events"), event_rows, look, events, cells);
    if look.help {
        help(paint, area, cells);
    }
}

/// Texts in tones, where there are colours.
#[derive(Clone, Copy)]
struct Paint(Colours);

impl Paint {
    fn span(self, text: impl Into<String>, tone: Tone) -> Span<'static> {
        let plain = Style::default();
        let style = match (self.0, tone) {
            (Colours::Off, _) => plain,
            (Colours::On, Tone::Bad) => plain.fg(Color::Red).add_modifier(Modifier::BOLD),
            (Colours::On, Tone::Doubtful) => plain.fg(Color::Yellow),
            (Colours::On, Tone::Good) => plain.fg(Color::Green),
            (Colours::On, Tone::Strong) => plain.add_modifier(Modifier::BOLD),
        };
        Span::styled(text.into(), style)
    }
}

fn heading(picture: &Picture, now: Duration, paint: Paint) -> Vec<Line<'static>> {
    let mut lines = match &picture.polled {
        None => vec![Line::from("Toolgate  waiting for the gateway"), Line::default()],
        Some(polled) => vec![state(polled, paint), figures(picture, polled, now, paint)],
    };
    lines.push(match (&picture.lost, &picture.deaf) {
        (Some(reason), _) => {
            let text = format!("not connected, what is shown is old; trying again: {}", printable(reason));
            Line::from(paint.span(text, Tone::Bad))
        }
        (None, Some(reason)) => {
            let text = format!("events are not seen; trying again: {}", printable(reason));
            Line::from(paint.span(text, Tone::Doubtful))
        }
        (None, None) if picture.came_back > 0 => {
            let times = counted(u64::from(picture.came_back), "time");
            Line::from(format!("connected again; the gateway was away {times}"))
        }
        (None, None) => Line::default(),
    });
    lines
}

fn state(polled: &Polled, paint: Paint) -> Line<'static> {
    let health = &polled.health;
    let tone = match health.condition.as_str() {
        "ok" => Tone::Good,
        "degraded" => Tone::Doubtful,
        _ => Tone::Bad,
    };
    let place = health.data_plane.as_deref().map(|at| format!("  {}", printable(at))).unwrap_or_default();
    Line::from(vec![
        paint.span("Toolgate ", Tone::Strong),
        Span::raw(format!("{}  ", printable(&health.version))),
        paint.span(printable(&health.condition), tone),
        Span::raw(format!("{place}   ? for help")),
    ])
}

fn figures(picture: &Picture, polled: &Polled, now: Duration, paint: Paint) -> Line<'static> {
    let rate = |rate: Option<f64>| rate.map_or("-".to_owned(), |rate| format!("{rate:.1}"));
    let micros = |of: Option<u64>| of.map_or("-".to_owned(), |micros| format!("{micros} µs"));
    let rates = picture.rates(now);
    let denials = rates.map(|rates| rates.denials);
    let tone = if denials.is_some_and(|rate| rate > 0.0) { Tone::Doubtful } else { Tone::Strong };
    let health = &polled.health;
    let mut text = format!(
        "   added p50 {} p99 {}   in flight {}   sessions {}   index behind {}",
        micros(picture.latency(50)),
        micros(picture.latency(99)),
        health.calls_in_flight,
        health.sessions,
        health.index.lag_records,
    );
    if picture.missed > 0 {
        text.push_str(&format!("   missed {}", picture.missed));
    }
    Line::from(vec![
        Span::raw("calls/s "),
        paint.span(rate(rates.map(|rates| rates.calls)), Tone::Strong),
        Span::raw("   denials/s "),
        paint.span(rate(denials), tone),
        Span::raw(text),
    ])
}

fn server(server: &Server, paint: Paint) -> Line<'static> {
    let (word, tone) = match &server.health {
        _ if !server.enabled => ("disabled", Tone::Doubtful),
        Some(health) if health.down => ("down", Tone::Bad),
        Some(_) => ("in use", Tone::Good),
        None => ("not in use", Tone::Doubtful),
    };
    let name = Span::raw(format!("{:<16} ", printable(&server.name)));
    let mut line = vec![name, paint.span(format!("{word:<10}"), tone)];
    if let Some(health) = server.health {
        let tools = health.tools.map(|tools| format!("  {}", counted(tools, "tool"))).unwrap_or_default();
        line.push(Span::raw(format!(" {}/{}{tools}", health.in_flight, health.places)));
    }
    Line::from(line)
}

fn limit(limit: &Limit, paint: Paint) -> Line<'static> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let full = match (number(&limit.used), number(&limit.max)) {
        (Some(used), Some(max)) if max > 0.0 => Some((used / max).clamp(0.0, 1.0)),
        _ => None,
    };
    let tone = match full {
        Some(full) if full >= 1.0 => Tone::Bad,
        Some(full) if full >= 0.8 => Tone::Doubtful,
        Some(_) | None => Tone::Good,
    };
    let shadow = if limit.shadow { "  in shadow" } else { "" };
    let name = [&limit.policy, &limit.counter, &limit.subject].map(|part| printable(part));
    let name: Vec<&str> = name.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let (used, max) = (printable(&limit.used), printable(&limit.max));
    let text = format!(" {used}/{max}  {}{shadow}", name.join(" "));
    Line::from(vec![paint.span(bar(full), tone), Span::raw(text)])
}

/// Ten places, as many of them full as the limit is.
fn bar(full: Option<f64>) -> String {
    let is_full = |tenth: &u8| full.is_some_and(|full| full * 10.0 > f64::from(*tenth));
    let tenths = (0..10_u8).filter(is_full).count();
    format!("[{}{}]", "#".repeat(tenths), "·".repeat(10 - tenths))
}

fn happening(event: &Happening, paint: Paint) -> Line<'static> {
    let tone = match event.outcome.as_str() {
        "deny" | "error" | "unreached" => Tone::Bad,
        "shadow_deny" | "pending" | "tool_error" | "cancelled" => Tone::Doubtful,
        _ => Tone::Good,
    };
    Line::from(vec![
        Span::raw(format!("{} {:<9} ", printable(&event.time), printable(&event.kind))),
        paint.span(format!("{:<11} ", printable(&event.outcome)), tone),
        Span::raw(printable(&event.text)),
    ])
}

/// A part with its frame, scrolled as somebody looks at it.
fn part((part, name): (Part, &str), rows: Vec<Line<'static>>, look: &Look, area: Rect, cells: &mut Buffer) {
    let above = look.above(part, rows.len());
    let place = if above > 0 { format!(", from {}", above + 1) } else { String::new() };
    let title = if look.part == part {
        Paint(look.colours).span(format!(" > {name} ({}{place}) ", rows.len()), Tone::Strong)
    } else {
        Span::raw(format!(" {name} ({}{place}) ", rows.len()))
    };
    let block = Block::new().borders(Borders::ALL).title(title);
    let shown: Vec<Line<'static>> = rows.into_iter().skip(above).take(usize::from(area.height)).collect();
    Paragraph::new(shown).block(block).render(area, cells);
}

fn help(paint: Paint, area: Rect, cells: &mut Buffer) {
    let (width, height) = (area.width.min(80), area.height.min(8));
    let (x, y) = ((area.width - width) / 2, (area.height - height) / 2);
    let window = Rect { x: area.x + x, y: area.y + y, width, height };
    Clear.render(window, cells);
    let block = Block::new().borders(Borders::ALL).title(paint.span(" Help ", Tone::Strong));
    Paragraph::new(HELP.map(Line::from).to_vec()).block(block).render(window, cells);
}

#[cfg(test)]
mod tests;
