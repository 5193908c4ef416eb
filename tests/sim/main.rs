//! Simulations: the worker's core and its peers on one virtual clock.

mod absence;
mod bad_requests;
mod call;
mod determinism;
mod flood;
mod hostile;
mod impostors;
mod log;
mod lossy_call;
mod peer;
mod plain;
mod plain_endpoint;
mod random_requests;
mod script;
mod spray;
mod streams;
mod table;
