//! Counters: sliding, calendar and concurrent limits, reserved before a call and settled after it.
//!
//! The arithmetic is pure: one module per algorithm (`sliding`, `calendar`, `in_flight`), each a state that is
//! asked at a time. `memory` keeps such states for one process. Nothing here reads a clock, a file or a policy:
//! time is the parameter [`Now`], a limit is a [`LimitSpec`], a counter is named by a string.

mod amount;
mod calendar;
mod checkpoint;
mod demand;
mod family;
mod few;
mod group;
mod in_flight;
mod memory;
mod now;
mod refusal;
mod sliding;
mod tally;
mod window;

pub use amount::{Amount, AmountError};
pub use checkpoint::RestoreError;
pub use demand::{Demand, Mode, SessionRef};
pub use memory::reservation::Reservation;
pub use memory::{Counters, Occupancy, Remaining};
pub use now::Now;
pub use refusal::{Refusal, RefusedLimit};
pub use window::{CalendarUnit, LimitSpec, Span, Window, WindowError, Zone};
