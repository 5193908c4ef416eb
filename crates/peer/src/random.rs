//! Random numbers.

use aws_lc_rs::rand;

/// An unpredictable number, for SSRCs, first sequence numbers and first timestamps (RFC 3550 §5.1).
pub fn random_u32() -> u32 {
    let mut bytes = [0; 4];
    // The system's generator fails only at boot, before it is seeded. A constant is still a valid
    // first number.
    if rand::fill(&mut bytes).is_err() {
        return 0x5452_4e31;
    }
    u32::from_be_bytes(bytes)
}
