//! The API as its callers see it: the real router over a real store, with a gateway that only remembers.

mod app;
mod documented;
mod grants;
mod inventory;
mod people;
mod policies;
mod refusals;
mod roles;
mod secrets;
mod servers;
mod settings;
mod sign_in;
mod views;
