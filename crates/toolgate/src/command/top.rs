//! `toolgate top`: a running gateway at a glance, on a terminal. What is shown is a plain picture that two onlookers
//! keep up to date; drawing it knows nothing else.

mod look;
mod onlooker;
mod picture;
mod view;

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use toolgate_gateway::clock::{Clock as _, SystemClock};

use crate::answer::{Answer, Done, Failure};
use crate::api::Target;
use crate::shell::{Colours, Shell};
use look::{Look, Wish};
use onlooker::{News, Onlookers};
use picture::Picture;

/// How often the screen is drawn anew.
const FRAME: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
#[command(after_help = "Keys: q ends, tab goes to the next part, arrows scroll it, ? helps.")]
pub(crate) struct Arguments {
    /// Print what there is now, and end
    #[arg(long, requires = "json")]
    once: bool,
    /// Print one JSON object
    #[arg(long, requires = "once")]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    if arguments.once {
        let api = arguments.target.reach(shell)?;
        shell.json(&onlooker::ask(&api)?)?;
        return Ok(Answer::Yes);
    }
    if !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
        let advice =
            "`toolgate top` needs a terminal: use `toolgate top --once --json`, or `toolgate status`";
        return Err(Failure::usage(advice));
    }
    // Before the screen is taken: what is wrong from the start is told as by any command.
    onlooker::ask(&arguments.target.reach(shell)?)?;
    let onlookers = Onlookers::start(&arguments.target, shell)?;
    let mut terminal = ratatui::try_init()?;
    let ended = show(&mut terminal, &onlookers, shell.colours);
    ratatui::try_restore()?;
    ended?;
    Ok(Answer::Yes)
}

/// Draws and listens to keys until one of them ends it.
fn show(terminal: &mut DefaultTerminal, onlookers: &Onlookers, colours: Colours) -> std::io::Result<()> {
    let clock = SystemClock::new();
    let (mut picture, mut look) = (Picture::default(), Look::new(colours));
    loop {
        let now = Duration::from_nanos(clock.mono());
        for news in onlookers.news() {
            match news {
                News::Polled(polled) => picture.polled(*polled),
                News::Happened { kind, json } => picture.happened(&kind, &json, now),
                News::Lost(reason) => picture.lost(reason),
                News::Listening => picture.listening(now),
                News::Deaf(reason) => picture.deaf(reason),
            }
        }
        picture.forget(now);
        terminal.draw(|frame| {
            let area = frame.area();
            view::draw(&picture, (&look, now), area, frame.buffer_mut());
        })?;
        if !event::poll(FRAME)? {
            continue;
        }
        if let Event::Key(key) = event::read()?
            && key.kind == KeyEventKind::Press
            && look.press(key.code, key.modifiers) == Wish::End
        {
            return Ok(());
        }
    }
}
