//! The gateway as its clients see it: a real listener on port 0, a real upstream, and a clock that is
//! moved by hand.

mod app;
mod denials;
mod limits;
mod lists;
mod seed;
mod sessions;
