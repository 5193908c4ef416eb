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

pub use arrival_group::{ArrivalGroups, GroupDelta};
pub use feedback::{ArrivalLog, FeedbackBatch};
pub use rate_control::AimdRateControl;
pub use receive_side::ReceiveSideEstimator;
pub use trendline::{Trendline, Usage};
