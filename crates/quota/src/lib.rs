//! Counters: sliding, calendar and concurrent limits, reserved before a call and settled after it.
