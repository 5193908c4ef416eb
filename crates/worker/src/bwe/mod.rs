//! Bandwidth estimation: what we report to a publisher about its packets, and what we conclude
//! ourselves.
//!
//! Towards a publisher there are two ways. With transport-wide congestion control, the publisher
//! estimates, and we only report when each packet came ([`ArrivalLog`]). With abs-send-time alone,
//! we estimate and send the publisher a rate (REMB).

mod arrival_group;
mod feedback;
mod rate_control;
mod receive_side;
mod trendline;

pub(crate) use feedback::ArrivalLog;
pub(crate) use receive_side::ReceiveSideEstimator;
