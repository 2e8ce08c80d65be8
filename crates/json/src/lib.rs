//! Strict JSON: one borrowed reading that refuses what two parsers could read differently.
//!
//! [`Document::read`] walks the bytes once and keeps a flat tape of spans; [`Value`] is a view of a
//! place on that tape. Nothing is decoded before it is asked for, and every value knows the bytes it
//! stands in, so that what was judged can be forwarded and rewritten by span. This crate knows JSON
//! text and nothing else: no protocol, no policy, no input or output.

mod canonical;
mod cursor;
mod document;
mod number;
mod position;
mod reader;
mod splice;
mod text;

pub use crate::canonical::{write_canonical, write_string};
pub use crate::document::{Document, Kind, Member, Span, Value};
pub use crate::number::Decimal;
pub use crate::position::{Position, position_of};
pub use crate::reader::{Limits, ReadError, ReadErrorKind};
pub use crate::splice::Splice;
