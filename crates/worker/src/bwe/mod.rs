//! Bandwidth estimation: what we tell a publisher of its packets, and what we conclude ourselves.
//!
//! Towards a publisher there are two ways. With transport-wide congestion control the publisher
//! estimates: we only report when each packet came ([`ArrivalLog`]). With nothing but
//! abs-send-time, we estimate and tell it a rate (REMB).

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
