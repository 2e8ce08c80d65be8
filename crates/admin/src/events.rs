//! What happens, as it happens: server-sent events, of calls, health, reloads and changes.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Extension, State as Extract};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, unfold};
use http::{StatusCode, header};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Interval, MissedTickBehavior};
use toolgate_gateway::LiveEvent;
use toolgate_store::TokenHash;

use crate::admin::State;
use crate::identity::{Credential, Who};
use crate::problem::Problem;

/// Streams of one session or token.
const EACH: usize = 4;
/// Streams of all.
const ALL: usize = 64;
/// How often a stream shows that it is alive, and is asked whether its credential still opens anything.
const BEAT: Duration = Duration::from_secs(10);
/// Events that are taken over at once.
const BATCH: usize = 64;

/// Look on
///
/// Server-sent events: the kinds of the journal's records, such as `decision`, `outcome` and `reload`, and `health`, each with a JSON object. `missed`
/// says how many events an onlooker lost that did not keep up. The stream ends when the session or token does.
#[utoipa::path(get, path = "/api/v1/events", tag = "State", operation_id = "streamEvents",
    responses((status = 200, description = "Events until the caller ends it", body = String, content_type = "text/event-stream")))]
pub(crate) async fn stream(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
) -> Result<Response, Problem> {
    let seat = state.watchers.seat(who.hash()).ok_or_else(|| {
        let detail =
            format!("there are {EACH} open streams of this sign-in already, or {ALL} of all: close one");
        Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).header(header::RETRY_AFTER, "10")
    })?;
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (waiting, events) = (VecDeque::new(), state.gateway().events());
    let onlooker = Onlooker { events, beat, waiting, who, state, _seat: seat };
    Ok(Sse::new(onlooker.into_stream()).into_response())
}

/// Who looks on by one stream.
struct Onlooker {
    events: broadcast::Receiver<LiveEvent>,
    beat: Interval,
    waiting: VecDeque<Event>,
    who: Who,
    state: State,
    _seat: Seat,
}

impl Onlooker {
    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(self, |mut onlooker| async move {
            let event = onlooker.next().await?;
            Some((Ok(event), onlooker))
        })
    }

    /// The next thing to say; none at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            tokio::select! {
                biased;
                _ = self.beat.tick() => {
                    return if self.is_welcome().await { Some(Event::default().comment("alive")) } else { None };
                }
                received = self.events.recv() => match received {
                    Ok(event) => self.take(&event),
                    Err(RecvError::Lagged(missed)) => self.waiting.push_back(missed_events(missed)),
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }

    /// Takes an event and those that are there already.
    fn take(&mut self, first: &LiveEvent) {
        self.waiting.push_back(event(first));
        while self.waiting.len() < BATCH {
            match self.events.try_recv() {
                Ok(next) => self.waiting.push_back(event(&next)),
                Err(TryRecvError::Lagged(missed)) => self.waiting.push_back(missed_events(missed)),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// Whether the sign-in still opens anything.
    async fn is_welcome(&self) -> bool {
        let credential = match &self.who {
            Who::Person { session, csrf } => Credential::Cookie { hash: session.hash, csrf: csrf.clone() },
            Who::Program(token) => Credential::Token(token.hash),
        };
        matches!(self.state.look_up(&credential, self.state.wall()).await, Ok(Some(_)))
    }
}

fn event(event: &LiveEvent) -> Event {
    Event::default().event(event.kind).data(&event.json)
}

fn missed_events(count: u64) -> Event {
    Event::default().event("missed").data(format!("{{\"count\":{count}}}"))
}

/// Who looks on, counted.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    seats: Arc<Mutex<HashMap<TokenHash, usize>>>,
}

/// A place at which somebody looks on; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Mutex<HashMap<TokenHash, usize>>>,
    of: TokenHash,
}

impl Watchers {
    /// A place; none if all are taken.
    pub(crate) fn seat(&self, of: TokenHash) -> Option<Seat> {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = seats.values().sum();
        let taken = seats.get(&of).copied().unwrap_or_default();
        if taken >= EACH || all >= ALL {
            return None;
        }
        seats.insert(of, taken + 1);
        Some(Seat { seats: Arc::clone(&self.seats), of })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        match seats.get_mut(&self.of) {
            Some(taken) if *taken > 1 => *taken -= 1,
            Some(_) | None => drop(seats.remove(&self.of)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_few_and_given_back() {
        let watchers = Watchers::default();
        let hash = |n: u8| TokenHash::new([n; 32]);
        let mut seats: Vec<Seat> = (0..EACH).map(|_| watchers.seat(hash(0)).unwrap()).collect();
        assert!(watchers.seat(hash(0)).is_none());
        seats.pop();
        seats.push(watchers.seat(hash(0)).unwrap());
        for n in 1.. {
            match watchers.seat(hash(n)) {
                Some(seat) => seats.push(seat),
                None => break,
            }
            assert!(seats.len() <= ALL);
        }
        assert_eq!(seats.len(), ALL);
        drop(seats);
        assert!(watchers.seats.lock().unwrap().is_empty());
    }
}
