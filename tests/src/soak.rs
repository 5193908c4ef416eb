//! How long tests go on that may go on for any time (`cargo xtask soak`).

/// `ordinary`, or `soak` in a soak.
#[must_use]
pub fn times(ordinary: usize, soak: usize) -> usize {
    match std::env::var_os("TUREEN_SOAK") {
        Some(_) => soak,
        None => ordinary,
    }
}
