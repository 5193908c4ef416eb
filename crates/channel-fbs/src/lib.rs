//! channel-fbs
