//! Policy documents: read, check, compile, decide, explain.
//!
//! [`load`] turns a document into a [`Plan`], which answers whether a call may pass and by which rule.
//! The crate is pure: it reads no file, no clock and no connection, and counts nothing; what a call
//! draws from limits is told as demands.

mod call;
mod compile;
mod condition;
mod decide;
mod decision;
mod duration;
mod explain;
mod glob;
mod json_schema;
mod limit;
mod listing;
mod literal;
mod located;
mod nearest;
mod outlook;
mod path;
mod plan;
mod problem;
mod review;
mod schema;
mod shape;
mod uri;
mod vocabulary;

pub use crate::call::{Call, Context, Definition, ServerRequest};
pub use crate::compile::{Loaded, load};
pub use crate::condition::{OPERATORS, Operator};
pub use crate::decision::{Decision, Demand, Denial, DenialKind, Outcome};
pub use crate::duration::parse_duration;
pub use crate::explain::{Explanation, Step, Verdict};
pub use crate::json_schema::policy_json_schema;
pub use crate::limit::{
    CalendarUnit, Count, Limit, LimitWindow, OnStoreFailure, Scope, UNIT, amount_in_words, limit_denial_text,
};
pub use crate::located::{Format, Located, Place, escape_pointer};
pub use crate::nearest::nearest;
pub use crate::outlook::{Outlook, Prospect};
pub use crate::path::{PATH_ROOTS, PathRoot};
pub use crate::plan::Plan;
pub use crate::problem::{Problem, Problems, Severity};
pub use crate::schema::{Schema, SchemaError, UnknownArguments, Violation};
pub use crate::shape::{Field, Shape, Table, with_article};
pub use crate::uri::{UriError, normalise as normalise_uri};
pub use crate::vocabulary::TABLES as POLICY_TABLES;
