//! Bandwidth estimation: what we tell a publisher of its packets, and what we conclude ourselves.
//!
//! Towards a publisher there are two ways. With transport-wide congestion control the publisher
//! estimates: we only report when each packet came ([`TransportFeedback`]). With nothing but
//! abs-send-time, we estimate and tell it a rate (REMB).

mod feedback;

pub use feedback::{FeedbackBatch, TransportFeedback};
